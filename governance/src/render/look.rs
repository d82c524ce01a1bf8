//! The parameters an image depends on, read from flag values.
//!
//! Reading is strict, so a value the collective never ratified is refused here
//! with its key, rather than drawn as something else.

use std::collections::BTreeMap;

use serde_json::Value;

use super::palette::{Colour, Palette};

/// The fewest and most bands of water an image may have.
pub const LAYERS: std::ops::RangeInclusive<u8> = 4..=40;
/// The highest swell, in thousandths.
pub const SWELL_LIMIT: u16 = 1000;
/// The highest moon rarity, in per cent.
pub const MOON_LIMIT: u8 = 100;
/// The longest inscription, in bytes.
pub const INSCRIPTION_LIMIT: usize = 48;

/// What the collective decides about an image; the seed decides the rest.
///
/// [`super::render`] draws the nearest allowed value when a field is out of range.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Look {
    /// The colours of sky, water and land.
    pub palette: Palette,
    /// The colour of lines, reeds and lettering.
    pub ink: Colour,
    /// The words set beneath the print, at most [`INSCRIPTION_LIMIT`] bytes.
    pub inscription: String,
    /// How many bands the water is cut into, within [`LAYERS`].
    pub layers: u8,
    /// How high the waves run, in thousandths, at most [`SWELL_LIMIT`].
    pub swell: u16,
    /// Whether the composition is reflected left to right.
    pub mirror: bool,
    /// How many images in a hundred show a moon, at most [`MOON_LIMIT`].
    pub moon_rarity: u8,
}

impl Default for Look {
    /// The values the engine starts with.
    fn default() -> Self {
        Self {
            palette: Palette::Dawn,
            ink: Colour::new(0x12, 0x32, 0x4A),
            inscription: "first light".to_owned(),
            layers: 12,
            swell: 350,
            mirror: false,
            moon_rarity: 20,
        }
    }
}

/// A flag value an image cannot be drawn from.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {found}; needed: {needed}")]
pub struct LookError {
    /// The parameter's key.
    pub key: &'static str,
    /// What was there.
    pub found: String,
    /// What would have been accepted.
    pub needed: &'static str,
}

impl Look {
    /// Reads a look from flag values by parameter key; keys it does not draw from are ignored.
    pub fn from_flags(flags: &BTreeMap<String, Value>) -> Result<Self, LookError> {
        let flag = |key, needed| Flag { key, needed, value: flags.get(key) };
        Ok(Self {
            palette: flag("palette", "dawn, kelp, ember, slate or bloom").read(|v| v.as_str().and_then(Palette::from_name))?,
            ink: flag("ink", "a colour written #RRGGBB").read(|v| v.as_str().and_then(Colour::from_hex))?,
            inscription: flag("inscription", "text of 0 to 48 bytes")
                .read(|v| v.as_str().filter(|text| text.len() <= INSCRIPTION_LIMIT))?
                .to_owned(),
            layers: flag("layers", "a whole number from 4 to 40").read(|v| {
                let n = u8::try_from(v.as_u64()?).ok()?;
                LAYERS.contains(&n).then_some(n)
            })?,
            swell: flag("swell", "a number from 0 to 1").read(|v| {
                let thousandths = (v.as_f64()? * 1000.0).round();
                (0.0..=f64::from(SWELL_LIMIT)).contains(&thousandths).then_some(thousandths as u16)
            })?,
            mirror: flag("mirror", "true or false").read(Value::as_bool)?,
            moon_rarity: flag("moon.rarity", "a whole number from 0 to 100")
                .read(|v| u8::try_from(v.as_u64()?).ok().filter(|n| *n <= MOON_LIMIT))?,
        })
    }

    /// The same look with every field inside its range.
    pub(super) fn within_range(&self) -> Self {
        let mut look = self.clone();
        look.layers = look.layers.clamp(*LAYERS.start(), *LAYERS.end());
        look.swell = look.swell.min(SWELL_LIMIT);
        look.moon_rarity = look.moon_rarity.min(MOON_LIMIT);
        while look.inscription.len() > INSCRIPTION_LIMIT {
            look.inscription.pop();
        }
        look
    }
}

/// One flag on its way to becoming a field.
struct Flag<'a> {
    key: &'static str,
    needed: &'static str,
    value: Option<&'a Value>,
}

impl<'a> Flag<'a> {
    fn read<T>(self, accept: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, LookError> {
        self.value.and_then(accept).ok_or_else(|| LookError {
            key: self.key,
            found: self.value.map_or_else(|| "missing".to_owned(), Value::to_string),
            needed: self.needed,
        })
    }
}
