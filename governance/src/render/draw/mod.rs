//! Draws a scene as an SVG print: sky, light, far shore, water, marsh, paper.
//!
//! Everything is drawn in tenths of a unit and scaled down once, so the file
//! holds whole numbers only.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::chance::{Chance, ONE};
use super::look::Look;
use super::palette::{Colour, Colours};
use super::path::Path;
use super::scene::{BOTTOM, Hour, LEFT, Plate, RIGHT, Scene, TOP};
use super::sea::Sea;

/// Appends to the print; writing to a string cannot fail.
macro_rules! put {
    ($print:expr, $($piece:tt)*) => {{ let _ = write!($print.out, $($piece)*); }};
}

mod foreground;
mod sky;
mod water;

pub(super) fn draw(seed: &[u8; 32], look: &Look, scene: &Scene) -> String {
    let mut print = Print {
        out: String::with_capacity(48 * 1024),
        id: name_space(seed, look),
        seed,
        look,
        scene,
        tone: at_hour(look.palette.colours(), scene.hour),
        sea: Sea::new(seed, scene.horizon, look.swell),
    };
    print.sheet();
    print.out
}

/// A prefix for ids, so that many prints can stand in one page.
fn name_space(seed: &[u8; 32], look: &Look) -> String {
    let digest = Sha256::new()
        .chain_update(seed)
        .chain_update(look.palette.name())
        .chain_update(look.ink.to_string())
        .chain_update([look.layers, u8::from(look.mirror), look.moon_rarity])
        .chain_update(look.swell.to_be_bytes())
        .chain_update(&look.inscription)
        .finalize();
    digest.iter().take(4).fold("t".to_owned(), |mut id, byte| {
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// The palette as the hour colours it.
fn at_hour(mut c: Colours, hour: Hour) -> Colours {
    match hour {
        Hour::Early => {}
        Hour::Noon => {
            c.haze = c.haze.towards(c.zenith, 330).towards(c.paper, 300);
            c.zenith = c.zenith.towards(c.paper, 120);
            c.glow = c.glow.towards(c.paper, 420);
            c.shallow = c.shallow.towards(c.paper, 160);
        }
        Hour::Late => {
            c.zenith = c.zenith.towards(c.deep, 430);
            c.haze = c.haze.towards(c.zenith, 120);
            c.glow = c.glow.towards(c.disc, 280);
            c.shallow = c.shallow.towards(c.haze, 260);
            c.land = c.land.towards(c.deep, 240);
        }
        Hour::Overcast => {
            c.zenith = c.zenith.towards(c.mid, 300).towards(c.paper, 120);
            c.haze = c.haze.towards(c.zenith, 420).towards(c.paper, 180);
            c.glow = c.glow.towards(c.haze, 260).towards(c.paper, 260);
            c.shallow = c.shallow.towards(c.mid, 120);
        }
        Hour::Night => {
            c.haze = c.haze.towards(c.deep, 560);
            c.glow = c.glow.towards(c.mid, 420).towards(c.zenith, 180);
            c.zenith = c.zenith.towards(c.deep, 860);
            c.shallow = c.shallow.towards(c.mid, 480);
            c.mid = c.mid.towards(c.deep, 420);
            c.land = c.land.towards(c.deep, 560);
            c.deep = c.deep.towards(Colour::new(4, 6, 16), 330);
        }
    }
    c
}

struct Print<'a> {
    out: String,
    id: String,
    seed: &'a [u8; 32],
    look: &'a Look,
    scene: &'a Scene,
    tone: Colours,
    sea: Sea,
}

impl Print<'_> {
    fn chance(&self, label: &str) -> Chance {
        Chance::new(self.seed, label)
    }

    fn sheet(&mut self) {
        let (id, look, scene) = (self.id.clone(), self.look, self.scene);
        let paper = look.palette.colours().paper;
        put!(
            self,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 1000\" role=\"img\" \
             aria-labelledby=\"{id}n {id}d\"><title id=\"{id}n\">Tideline"
        );
        if !look.inscription.is_empty() {
            put!(self, ", “{}”", escape(&look.inscription));
        }
        put!(self, "</title><desc id=\"{id}d\">{}</desc>", scene.description(look));
        let plate = self.plate();
        put!(
            self,
            "<clipPath id=\"{id}c\"><path d=\"{plate}\"/></clipPath>\
             <path fill=\"{paper}\" d=\"M0 0h1000v1000H0z\"/>\
             <g transform=\"scale(.1)\" stroke-linecap=\"round\" stroke-linejoin=\"round\" \
             fill=\"none\"><g clip-path=\"url(#{id}c)\"><g"
        );
        if look.mirror {
            put!(self, " transform=\"matrix(-1 0 0 1 10000 0)\"");
        }
        put!(self, ">");
        self.sky();
        self.light();
        self.clouds();
        self.shoreline();
        self.birds();
        self.water();
        self.rain();
        self.reeds();
        put!(self, "</g>");
        self.grain();
        put!(self, "</g>");
        self.margin(&plate);
        put!(self, "</g></svg>");
    }

    /// The outline of the printed area.
    fn plate(&self) -> String {
        match self.scene.plate {
            Plate::Square => format!("M{LEFT} {TOP}H{RIGHT}V{BOTTOM}H{LEFT}z"),
            Plate::Arch => {
                format!("M1450 {BOTTOM}V{0}a3550 3550 0 0 1 7100 0V{BOTTOM}z", TOP + 3550)
            }
            Plate::Round => format!("M1100 {0}a3900 3900 0 0 1 7800 0a3900 3900 0 0 1-7800 0z", 4650),
        }
    }

    /// The tooth of the paper showing through the print.
    fn grain(&mut self) {
        let mut chance = self.chance("grain");
        let mut laid = Path::default();
        let mut y = TOP + 40;
        while y < BOTTOM {
            laid.go((LEFT, y));
            laid.line((RIGHT, y + chance.between(-14, 14)));
            y += chance.between(70, 130);
        }
        let (paper, ink) = (self.tone.paper, self.look.ink);
        self.stroke(&laid, ink, 5, 8);
        let mut flecks = Path::default();
        for _ in 0..80 {
            let at = (chance.between(LEFT, RIGHT), chance.between(TOP, BOTTOM));
            flecks.go(at);
            flecks.line((at.0 + chance.between(0, 46), at.1));
        }
        self.stroke(&flecks, paper, 9, 30);
    }

    /// The plate's edge, the inscription and the printer's mark.
    fn margin(&mut self, plate: &str) {
        let ink = self.look.ink;
        let colours = self.look.palette.colours();
        put!(
            self,
            "<path stroke=\"{ink}\" stroke-width=\"14\" opacity=\".7\" d=\"{plate}\"/>\
             <path stroke=\"{}\" stroke-width=\"10\" d=\"M330 330H9670V9670H330z\"/>",
            colours.paper.towards(ink, 110)
        );
        if !self.look.inscription.is_empty() {
            put!(
                self,
                "<text x=\"{LEFT}\" y=\"9180\" font-family=\"Georgia,'Times New Roman',serif\" \
                 font-style=\"italic\" font-size=\"250\" fill=\"{ink}\" xml:space=\"preserve\">{}</text>",
                escape(&self.look.inscription)
            );
        }
        // Three tides in a seal.
        put!(
            self,
            "<rect x=\"8740\" y=\"8900\" width=\"360\" height=\"360\" rx=\"50\" fill=\"{}\"/>\
             <path stroke=\"{}\" stroke-width=\"26\" d=\"M8800 9010q60-60 120 0t120 0M8800 9090q60-60 \
             120 0t120 0M8800 9170q60-60 120 0t120 0\"/>",
            colours.seal,
            colours.paper
        );
    }

    fn fill(&mut self, path: &Path, colour: Colour, opacity: i64) {
        put!(self, "<path fill=\"{colour}\"");
        if opacity < 100 {
            put!(self, " opacity=\".{opacity:02}\"");
        }
        put!(self, " d=\"{}\"/>", path.data());
    }

    fn stroke(&mut self, path: &Path, colour: Colour, width: i64, opacity: i64) {
        put!(self, "<path stroke=\"{colour}\" stroke-width=\"{width}\" opacity=\".{opacity:02}\" d=\"{}\"/>", path.data());
    }
}

/// A colour along evenly set stops.
fn ramp(stops: [Colour; 4], depth: i64) -> Colour {
    let along = depth.clamp(0, ONE) * 3;
    let i = (along / ONE).min(2) as usize;
    stops[i].towards(stops[i + 1], along - ONE * i as i64)
}

/// Text as XML character data; characters XML cannot carry become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}
