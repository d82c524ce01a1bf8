//! What is in the picture: the seed's choices, before anything is drawn.
//!
//! Both the drawing and the traits read the scene, so they cannot disagree.
//! Of the look only the moon's rarity is heard here; every other parameter
//! changes how the same scene is drawn.

use super::chance::Chance;
use super::look::Look;

/// The edges of the drawing on the sheet, in tenths of a unit.
pub(super) const LEFT: i64 = 900;
pub(super) const RIGHT: i64 = 9100;
pub(super) const TOP: i64 = 800;
pub(super) const BOTTOM: i64 = 8500;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plate {
    Square,
    Arch,
    Round,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Full,
    Gibbous,
    Half,
    Crescent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    Sun { rings: bool },
    Moon { phase: Phase },
    Veiled { rain: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hour {
    Early,
    Noon,
    Late,
    Overcast,
    Night,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shoreline {
    OpenSea,
    Dunes,
    Hills,
    Headland,
}

/// How far the water has drawn back, and so what it has uncovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tide {
    /// Water to the lower edge.
    High,
    /// Sandbars between the bands.
    Ebb,
    /// Marsh with a creek winding to the water.
    Low,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Birds {
    None,
    Pair,
    Gulls,
    Skein,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visitor {
    None,
    Sail,
    Poles,
    Heron,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reeds {
    None,
    Sparse,
    Thick,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub plate: Plate,
    pub horizon: i64,
    pub hour: Hour,
    pub light: Light,
    /// The centre of the light and its radius.
    pub disc: (i64, i64, i64),
    pub shoreline: Shoreline,
    pub tide: Tide,
    /// Whether the water pales towards the viewer, as over sand.
    pub shoaling: bool,
    pub birds: Birds,
    pub visitor: Visitor,
    pub reeds: Reeds,
    /// Whether the light stands left of the middle; what else is there balances it.
    pub light_left: bool,
    /// Whether the reeds grow at the left.
    pub reeds_left: bool,
}

impl Scene {
    pub fn compose(seed: &[u8; 32], look: &Look) -> Self {
        let mut sheet = Chance::new(seed, "sheet");
        let plate = sheet.pick([(64, Plate::Square), (18, Plate::Arch), (18, Plate::Round)]);
        let horizon = TOP + sheet.between(2500, 4500);
        let shoreline = sheet.pick([(25, Shoreline::OpenSea), (25, Shoreline::Dunes), (28, Shoreline::Hills), (22, Shoreline::Headland)]);
        let tide = sheet.pick([(40, Tide::High), (30, Tide::Ebb), (30, Tide::Low)]);
        let shoaling = sheet.percent(28);
        let light_left = sheet.percent(50);
        let reeds = sheet.pick([(25, Reeds::None), (35, Reeds::Sparse), (40, Reeds::Thick)]);

        let mut sky = Chance::new(seed, "light");
        // Drawn whether or not it decides, so that a rarer moon moves nothing else.
        let moonlit = sky.percent(i64::from(look.moon_rarity));
        let phase = sky.pick([(30, Phase::Full), (22, Phase::Gibbous), (20, Phase::Half), (28, Phase::Crescent)]);
        let day = sky.pick([(34, Hour::Early), (24, Hour::Noon), (28, Hour::Late), (14, Hour::Overcast)]);
        let (rings, rain) = (sky.percent(28), sky.percent(55));
        let (hour, light) = match (moonlit, day) {
            (true, _) => (Hour::Night, Light::Moon { phase }),
            (false, Hour::Overcast) => (day, Light::Veiled { rain }),
            (false, _) => (day, Light::Sun { rings }),
        };
        let room = horizon - TOP;
        let off_centre = sky.between(500, 1900);
        // One light in six is a great disc.
        let great = sky.percent(17);
        let radius = sky.between(360, 820).min(room * 3 / 10);
        let radius = if great { radius.max(room * 38 / 100) } else { radius };
        // Narrow plates keep their light under the crown of the arch.
        let narrow = plate != Plate::Square;
        let off_centre = if narrow { off_centre * 6 / 10 } else { off_centre };
        let x = if light_left { 5000 - off_centre } else { 5000 + off_centre };
        let lift = sky.between(0, 1000);
        let y = match hour {
            // Early and late suns touch the horizon or stand just clear of it.
            Hour::Early | Hour::Late => horizon - radius / 4 - lift * room * 35 / 100_000,
            _ if narrow => TOP + room * 46 / 100 + lift * room * 16 / 100_000,
            _ => TOP + (room * 30 / 100).max(radius * 5 / 4) + lift * room * 22 / 100_000,
        };

        let mut life = Chance::new(seed, "life");
        let birds = life.pick([(38, Birds::None), (18, Birds::Pair), (26, Birds::Gulls), (18, Birds::Skein)]);
        let visitor = match tide {
            Tide::High => life.pick([(42, Visitor::None), (30, Visitor::Sail), (28, Visitor::Poles)]),
            Tide::Ebb => life.pick([(34, Visitor::None), (18, Visitor::Sail), (22, Visitor::Poles), (26, Visitor::Heron)]),
            Tide::Low => life.pick([(50, Visitor::None), (26, Visitor::Sail), (24, Visitor::Heron)]),
        };
        Self {
            plate,
            horizon,
            hour,
            light,
            disc: (x, y, radius),
            shoreline,
            tide,
            shoaling,
            birds,
            visitor,
            reeds,
            light_left,
            // Opposite the light, unless mooring poles stand there already.
            reeds_left: light_left == (visitor == Visitor::Poles),
        }
    }

    /// The traits a collector would name, in a fixed order.
    pub fn traits(&self, look: &Look) -> Vec<(String, String)> {
        let sun = match (self.light, self.hour) {
            (Light::Sun { rings: true }, _) => "haloed",
            (Light::Sun { .. }, Hour::Noon) => "high",
            (Light::Sun { .. }, _) => "low",
            _ => "none",
        };
        let moon = match self.light {
            Light::Moon { phase: Phase::Full } => "full",
            Light::Moon { phase: Phase::Gibbous } => "gibbous",
            Light::Moon { phase: Phase::Half } => "half",
            Light::Moon { phase: Phase::Crescent } => "crescent",
            _ => "none",
        };
        let bands = look.layers.to_string();
        [
            ("palette", look.palette.name()),
            (
                "plate",
                match self.plate {
                    Plate::Square => "square",
                    Plate::Arch => "arch",
                    Plate::Round => "round",
                },
            ),
            (
                "hour",
                match self.hour {
                    Hour::Early => "early",
                    Hour::Noon => "noon",
                    Hour::Late => "late",
                    Hour::Overcast => "overcast",
                    Hour::Night => "night",
                },
            ),
            ("sun", sun),
            ("moon", moon),
            (
                "weather",
                match self.light {
                    Light::Veiled { rain: true } => "rain",
                    Light::Veiled { rain: false } => "cloud",
                    _ => "fair",
                },
            ),
            (
                "horizon",
                match self.shoreline {
                    Shoreline::OpenSea => "open sea",
                    Shoreline::Dunes => "dunes",
                    Shoreline::Hills => "far hills",
                    Shoreline::Headland => "headland",
                },
            ),
            (
                "tide",
                match self.tide {
                    Tide::High => "high",
                    Tide::Ebb => "ebb",
                    Tide::Low => "low",
                },
            ),
            (
                "sea",
                match look.swell {
                    0..=80 => "glass",
                    81..=300 => "gentle",
                    301..=600 => "rolling",
                    _ => "heavy",
                },
            ),
            ("water", if self.shoaling { "shoaling" } else { "deepening" }),
            ("bands", &bands),
            (
                "birds",
                match self.birds {
                    Birds::None => "none",
                    Birds::Pair => "a pair",
                    Birds::Gulls => "gulls",
                    Birds::Skein => "a skein",
                },
            ),
            (
                "visitor",
                match self.visitor {
                    Visitor::None => "none",
                    Visitor::Sail => "a sail",
                    Visitor::Poles => "mooring poles",
                    Visitor::Heron => "a heron",
                },
            ),
            (
                "reeds",
                match self.reeds {
                    Reeds::None => "none",
                    Reeds::Sparse => "sparse",
                    Reeds::Thick => "thick",
                },
            ),
            // Left and right as the viewer sees them.
            ("light from", if self.light_left != look.mirror { "left" } else { "right" }),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// One sentence for someone who cannot see the picture.
    pub fn description(&self, look: &Look) -> String {
        let light = match self.light {
            Light::Sun { rings: true } => "a haloed sun",
            Light::Sun { .. } if self.hour == Hour::Noon => "a high sun",
            Light::Sun { .. } => "a low sun",
            Light::Moon { phase: Phase::Full } => "a full moon",
            Light::Moon { phase: Phase::Gibbous } => "a gibbous moon",
            Light::Moon { phase: Phase::Half } => "a half moon",
            Light::Moon { phase: Phase::Crescent } => "a crescent moon",
            Light::Veiled { rain: true } => "rain",
            Light::Veiled { rain: false } => "cloud",
        };
        let shore = match self.shoreline {
            Shoreline::OpenSea => "the open sea",
            Shoreline::Dunes => "low dunes",
            Shoreline::Hills => "far hills",
            Shoreline::Headland => "a headland",
        };
        let tide = match self.tide {
            Tide::High => "at high tide",
            Tide::Ebb => "on the ebb, with sandbars showing",
            Tide::Low => "at low tide, with a creek winding through the marsh",
        };
        let mut text = format!(
            "A tidal landscape in the {} palette: {light} over {shore}, {} bands of water {tide}",
            look.palette.name(),
            look.layers,
        );
        let mut extras = Vec::new();
        match self.visitor {
            Visitor::None => {}
            Visitor::Sail => extras.push("a small sail"),
            Visitor::Poles => extras.push("mooring poles"),
            Visitor::Heron => extras.push("a heron"),
        }
        match self.birds {
            Birds::None => {}
            Birds::Pair => extras.push("a pair of birds"),
            Birds::Gulls => extras.push("gulls"),
            Birds::Skein => extras.push("a skein of geese"),
        }
        if self.reeds != Reeds::None {
            extras.push("reeds in the foreground");
        }
        for extra in extras {
            text.push_str("; ");
            text.push_str(extra);
        }
        text.push('.');
        text
    }
}
