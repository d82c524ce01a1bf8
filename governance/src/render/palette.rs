//! The five palettes and the little colour arithmetic they need.

use std::fmt;

/// A colour of eight bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// A colour from its three channels.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// Reads `#RRGGBB`, in either case.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        if digits.len() != 6 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        Some(Self::from_word(u32::from_str_radix(digits, 16).ok()?))
    }

    const fn from_word(word: u32) -> Self {
        let [_, red, green, blue] = word.to_be_bytes();
        Self { red, green, blue }
    }

    /// This colour moved towards another by `share` of 1024.
    pub(super) fn towards(self, other: Self, share: i64) -> Self {
        let share = share.clamp(0, 1024);
        let mix = |a: u8, b: u8| {
            let (a, b) = (i64::from(a), i64::from(b));
            // Between two bytes, so it is a byte again.
            ((a * (1024 - share) + b * share + 512) / 1024) as u8
        };
        Self { red: mix(self.red, other.red), green: mix(self.green, other.green), blue: mix(self.blue, other.blue) }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// A curated set of colours, chosen by the collective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Palette {
    Dawn,
    Kelp,
    Ember,
    Slate,
    Bloom,
}

impl Palette {
    /// Every palette, in the order the parameter lists its options.
    pub const ALL: [Self; 5] = [Self::Dawn, Self::Kelp, Self::Ember, Self::Slate, Self::Bloom];

    /// The option's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dawn => "dawn",
            Self::Kelp => "kelp",
            Self::Ember => "ember",
            Self::Slate => "slate",
            Self::Bloom => "bloom",
        }
    }

    /// The palette of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|palette| palette.name() == name)
    }

    pub(super) fn colours(self) -> Colours {
        let [paper, zenith, haze, glow, disc, shallow, mid, deep, land, seal] = match self {
            Self::Dawn => [0xF8F1E6, 0x6A9AB8, 0xEDB3A3, 0xFCDFB0, 0xF0724E, 0xBAD3CF, 0x4F8AA3, 0x17405C, 0x9A8747, 0xCF4A37],
            Self::Kelp => [0xF4F1E3, 0x3F8584, 0xA6CDB0, 0xF7E6B0, 0xF0A92E, 0xC3D6A6, 0x3F8A78, 0x0C3638, 0x96702C, 0xC25A26],
            Self::Ember => [0xF8EBDC, 0x4E2748, 0xC9503F, 0xF9AE58, 0xFFE3A4, 0xE38C62, 0x7E3453, 0x211338, 0x7A3423, 0xB62C2A],
            Self::Slate => [0xF2F1ED, 0x66757F, 0xA9B4B9, 0xE3E2DA, 0xD95B3F, 0xBAC4C7, 0x647782, 0x222D38, 0x6C6A5C, 0xC24A34],
            Self::Bloom => [0xFBF1F0, 0x7A66BC, 0xEB96B8, 0xFFDAC2, 0xFFF1CC, 0xC6C4EA, 0x5A7DBE, 0x27286A, 0x8C4F84, 0xD43F74],
        }
        .map(Colour::from_word);
        Colours { paper, zenith, haze, glow, disc, shallow, mid, deep, land, seal }
    }
}

/// What each colour of a palette is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Colours {
    pub paper: Colour,
    /// The top of the sky.
    pub zenith: Colour,
    /// The middle of the sky, and the hills in it.
    pub haze: Colour,
    /// The sky just above the horizon.
    pub glow: Colour,
    /// The sun.
    pub disc: Colour,
    /// Thin water, full of sky.
    pub shallow: Colour,
    pub mid: Colour,
    pub deep: Colour,
    /// Marsh and sand.
    pub land: Colour,
    /// The printer's mark.
    pub seal: Colour,
}
