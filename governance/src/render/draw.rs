//! Draws a scene as an SVG print: sky, light, far shore, water, marsh, paper.
//!
//! Everything is drawn in tenths of a unit and scaled down once, so the file
//! holds whole numbers only.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::chance::{Chance, ONE, TURN, cosine, noise, sine, smooth};
use super::look::Look;
use super::palette::{Colour, Colours};
use super::path::{Path, Point};
use super::scene::{BOTTOM, Birds, Hour, LEFT, Light, Phase, Plate, RIGHT, Reeds, Scene, Shoreline, TOP, Tide, Visitor};
use super::sea::Sea;

/// Appends to the print; writing to a string cannot fail.
macro_rules! put {
    ($print:expr, $($piece:tt)*) => {{ let _ = write!($print.out, $($piece)*); }};
}

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

/// A bank of sand standing out of the ebb.
struct Bar {
    depth: i64,
    x: i64,
    half: i64,
    thick: i64,
    key: u64,
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

    fn sky(&mut self) {
        let (c, horizon, id) = (self.tone, self.scene.horizon, self.id.clone());
        let waist = self.chance("sky").between(38, 58);
        put!(
            self,
            "<linearGradient id=\"{id}s\" gradientUnits=\"userSpaceOnUse\" x1=\"0\" y1=\"{TOP}\" \
             x2=\"0\" y2=\"{horizon}\"><stop stop-color=\"{}\"/>\
             <stop offset=\"{waist}%\" stop-color=\"{}\"/>\
             <stop offset=\"{}%\" stop-color=\"{}\"/><stop offset=\"1\" stop-color=\"{}\"/>\
             </linearGradient><path fill=\"url(#{id}s)\" d=\"M800 700H9200V8700H800z\"/>",
            c.zenith,
            c.haze,
            waist + 24,
            c.haze.towards(c.glow, 700),
            c.glow
        );
        if self.scene.hour == Hour::Night {
            self.stars();
        }
    }

    fn stars(&mut self) {
        let mut chance = self.chance("stars");
        let floor = self.scene.horizon - 500;
        for (count, width) in [(70, 11), (22, 20), (6, 32)] {
            let mut stars = Path::default();
            for _ in 0..count {
                let at = (chance.between(LEFT, RIGHT), chance.between(TOP, floor));
                stars.go(at);
                stars.line(at);
            }
            let paper = self.tone.paper;
            self.stroke(&stars, paper, width, 62);
        }
    }

    fn light(&mut self) {
        let (c, id, (x, y, r)) = (self.tone, self.id.clone(), self.scene.disc);
        let (halo, strength, spread) = match self.scene.light {
            Light::Sun { .. } => (c.glow.towards(c.paper, 500), 85, r * 4),
            Light::Moon { phase: Phase::Full } => (c.paper, 34, r * 4),
            Light::Moon { .. } => (c.paper, 16, r * 5),
            Light::Veiled { .. } => (c.paper, 50, 3400),
        };
        put!(
            self,
            "<radialGradient id=\"{id}h\"><stop offset=\".1\" stop-color=\"{halo}\" \
             stop-opacity=\".{strength}\"/><stop offset=\".45\" stop-color=\"{halo}\" \
             stop-opacity=\".{}\"/><stop offset=\"1\" stop-color=\"{halo}\" stop-opacity=\"0\"/>\
             </radialGradient><circle cx=\"{x}\" cy=\"{y}\" r=\"{spread}\" fill=\"url(#{id}h)\"/>",
            strength / 3 + 10
        );
        match self.scene.light {
            Light::Sun { rings } => {
                if rings {
                    for i in 1..=6 {
                        put!(
                            self,
                            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{}\" stroke=\"{}\" \
                             stroke-width=\"{}\" opacity=\".{}\"/>",
                            r + r * i * (i + 6) / 24,
                            c.paper,
                            34 - i * 4,
                            75 - i * 9
                        );
                    }
                }
                put!(
                    self,
                    "<linearGradient id=\"{id}o\" x2=\"0\" y2=\"1\"><stop stop-color=\"{}\"/>\
                     <stop offset=\"1\" stop-color=\"{}\"/></linearGradient>\
                     <circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"url(#{id}o)\"/>",
                    c.disc.towards(c.paper, 90),
                    c.disc.towards(c.glow, 380)
                );
            }
            Light::Moon { phase } => self.moon(phase),
            Light::Veiled { .. } => {}
        }
    }

    fn moon(&mut self, phase: Phase) {
        let (c, (x, y, r)) = (self.tone, self.scene.disc);
        let pale = c.paper.towards(c.glow, 120);
        put!(self, "<circle cx=\"{x}\" cy=\"{y}\" r=\"{r}\" fill=\"{}\" opacity=\".2\"/>", c.zenith);
        // The lit side is half the rim; the terminator is half an ellipse of this width.
        let (across, bulges) = match phase {
            Phase::Full => (r, true),
            Phase::Gibbous => (r / 2, true),
            Phase::Half => (r / 40, true),
            Phase::Crescent => (r * 7 / 10, false),
        };
        let rim = i64::from(!self.scene.light_left);
        let edge = if bulges { rim } else { 1 - rim };
        put!(self, "<path fill=\"{pale}\" d=\"M{x} {0}a{r} {r} 0 0 {rim} 0 {1}a{across} {r} 0 0 {edge} 0-{1}z\"/>", y - r, 2 * r);
        if matches!(phase, Phase::Full | Phase::Gibbous) {
            let mut chance = self.chance("maria");
            let side = if rim == 1 { 1 } else { -1 };
            for _ in 0..5 {
                let spot = chance.between(r / 9, r / 4);
                let dx = chance.between(0, r / 2) * side - r / 8 * side;
                let dy = chance.between(-r / 2, r / 2);
                put!(self, "<circle cx=\"{}\" cy=\"{}\" r=\"{spot}\" fill=\"{}\" opacity=\".16\"/>", x + dx, y + dy, c.haze);
            }
        }
    }

    fn clouds(&mut self) {
        let (c, scene) = (self.tone, self.scene);
        let mut chance = self.chance("clouds");
        let veiled = matches!(scene.light, Light::Veiled { .. });
        let count = if veiled { chance.between(9, 12) } else { chance.between(0, 6) };
        let room = scene.horizon - TOP;
        for i in 0..count {
            let y = if veiled {
                TOP + room * (i * 2 + 1) / (count * 3) + chance.between(-120, 120)
            } else {
                scene.horizon - chance.between(room / 10, room * 8 / 10)
            };
            let nearness = (scene.horizon - y) * ONE / room;
            let long = chance.between(1300, 3600) + if veiled { 1800 } else { 0 };
            let thick = 40 + chance.between(60, 190) * nearness / ONE * if veiled { 3 } else { 1 };
            let x = chance.between(LEFT - long / 3, RIGHT - long * 2 / 3);
            let key = chance.word();
            let rise = |j: i64, by: i64| {
                let swell = sine(j * TURN / 24);
                let billow = 620 + noise(key, j * 700, by) * 2 / 5;
                swell * billow / ONE
            };
            let mut points: Vec<Point> = (1..=12).map(|j| (x + long * j / 12, y - thick * rise(j, 0) / ONE)).collect();
            points.extend((0..12).rev().map(|j| (x + long * j / 12, y + thick * rise(j, 4000) / ONE * 2 / 5)));
            let mut cloud = Path::default().start((x, y));
            cloud.through(&points);
            cloud.close();
            let shade = if veiled {
                c.zenith.towards(c.paper, chance.between(80, 700))
            } else if chance.percent(35) {
                c.haze.towards(c.zenith, 500)
            } else {
                c.glow.towards(c.paper, 450)
            };
            let opacity = if scene.hour == Hour::Night { 22 } else { chance.between(34, 58) };
            self.fill(&cloud, shade, opacity);
        }
    }

    fn shoreline(&mut self) {
        let (c, scene, id) = (self.tone, self.scene, self.id.clone());
        let mut chance = self.chance("shore");
        let key = chance.word();
        let (ridges, height, grain) = match scene.shoreline {
            Shoreline::OpenSea => (0, 0, 1),
            Shoreline::Dunes => (2, chance.between(130, 230), 1500),
            Shoreline::Hills => (chance.between(3, 4), chance.between(520, 950), 2100),
            Shoreline::Headland => (chance.between(2, 3), chance.between(620, 1050), 1500),
        };
        // A headland falls away from the light, so the light keeps its clear sky.
        let from_left = !scene.light_left;
        for i in 0..ridges {
            let share = (i + 1) * ONE / ridges;
            let tall = height * (ONE + ONE / 4 - share * 3 / 4) / ONE;
            let reach = 2300 + 1300 * (ridges - i) + chance.between(-300, 300);
            let points: Vec<Point> = (0..=33)
                .map(|j| LEFT - 100 + j * 255)
                .map(|x| {
                    let rough = (noise(key, x * ONE / grain, i * 3000) + ONE) / 2 * 11 / 16
                        + (noise(key, x * ONE * 3 / grain, i * 3000) + ONE) / 2 * 4 / 16
                        + (noise(key, x * ONE * 8 / grain, i * 3000) + ONE) / 2 / 16;
                    let kept = if scene.shoreline == Shoreline::Headland {
                        let along = if from_left { x - LEFT } else { RIGHT - x };
                        smooth((reach - along) * ONE / 2200) * (500 + rough / 2) / ONE
                    } else {
                        rough
                    };
                    (x, scene.horizon - tall * kept / ONE)
                })
                .collect();
            let shade = c.haze.towards(c.mid, 200 + share * 5 / 8).towards(c.deep, share / 5);
            put!(
                self,
                "<linearGradient id=\"{id}r{i}\" gradientUnits=\"userSpaceOnUse\" x1=\"0\" \
                 y1=\"{}\" x2=\"0\" y2=\"{}\"><stop stop-color=\"{shade}\"/>\
                 <stop offset=\"1\" stop-color=\"{}\"/></linearGradient>",
                scene.horizon - tall,
                scene.horizon + 60,
                shade.towards(c.glow, 520)
            );
            let mut ridge = Path::default().start((LEFT - 100, scene.horizon + 100));
            ridge.line(points[0]);
            ridge.through(&points[1..]);
            ridge.line((RIGHT + 200, scene.horizon + 100));
            ridge.close();
            put!(
                self,
                "<path fill=\"url(#{id}r{i})\" stroke=\"{}\" stroke-width=\"7\" \
                 stroke-opacity=\".22\" d=\"{}\"/>",
                self.look.ink,
                ridge.data()
            );
        }
    }

    fn birds(&mut self) {
        let scene = self.scene;
        let mut chance = self.chance("birds");
        // They fly on the side the light leaves empty.
        let room = if scene.plate == Plate::Square { 2100 } else { 1400 };
        let aside = chance.between(900, room);
        let x = if scene.light_left { 5000 + aside } else { 5000 - aside };
        let y = TOP + (scene.horizon - TOP) * chance.between(300, 620) / 1000;
        let (mut birds, mut width) = (Path::default(), 22);
        let mut bird = |at: Point, span: i64, flap: i64, bank: i64| {
            birds.go((at.0 - span, at.1 - flap / 3 - bank));
            birds.bend((at.0 - span / 2, at.1 - flap - bank), at);
            birds.bend((at.0 + span / 2, at.1 - flap + bank), (at.0 + span, at.1 - flap / 3 + bank));
        };
        match scene.birds {
            Birds::None => return,
            Birds::Pair => {
                bird((x, y), 210, 130, 24);
                bird((x + 420, y - 210), 165, 110, -18);
            }
            Birds::Gulls => {
                for _ in 0..chance.between(5, 8) {
                    let span = chance.about(80, 210);
                    let at = (x + chance.about(-1000, 1000), y + chance.about(-560, 480));
                    bird(at, span, span * chance.between(45, 72) / 100, chance.between(-30, 30));
                }
            }
            Birds::Skein => {
                width = 17;
                let heading = if scene.light_left { -1 } else { 1 };
                for i in 0..chance.between(9, 13) {
                    let (rank, arm) = ((i + 1) / 2, if i % 2 == 0 { 1 } else { -1 });
                    let at = (
                        x - heading * rank * 195 + chance.between(-22, 22),
                        y + arm * rank * if arm > 0 { 92 } else { 60 } + chance.between(-14, 14),
                    );
                    bird(at, 88 - rank * 3, 52, 0);
                }
            }
        }
        let ink = self.look.ink.towards(self.tone.paper, self.lift());
        self.stroke(&birds, ink, width, 82);
    }

    /// How much line work is lightened, so that ink still shows at night.
    fn lift(&self) -> i64 {
        if self.scene.hour == Hour::Night { 420 } else { 0 }
    }

    /// The colour of open water at a depth.
    fn water_tone(&self, depth: i64) -> Colour {
        let c = self.tone;
        let stops = if self.scene.shoaling {
            [c.mid.towards(c.shallow, 260), c.mid.towards(c.deep, 330), c.mid.towards(c.shallow, 560), c.shallow.towards(c.glow, 420)]
        } else {
            [c.shallow.towards(c.glow, 420), c.shallow.towards(c.mid, 340), c.mid, c.deep]
        };
        ramp(stops, depth)
    }

    /// The colour of marsh at a depth.
    fn marsh_tone(&self, depth: i64) -> Colour {
        let c = self.tone;
        ramp([c.land.towards(c.glow, 620), c.land.towards(c.glow, 300), c.land.towards(c.deep, 160), c.land.towards(c.deep, 640)], depth)
    }

    fn water(&mut self) {
        let (c, scene, look, id) = (self.tone, self.scene, self.look, self.id.clone());
        let layers = i64::from(look.layers);
        let mut chance = self.chance("bands");
        let shade_key = chance.word();
        let depth_of = |i: i64| i * ONE / (layers + 1);

        let mut open = Path::default().start((LEFT - 100, scene.horizon));
        open.line((RIGHT + 100, scene.horizon));
        open.line((RIGHT + 100, BOTTOM + 200));
        open.line((LEFT - 100, BOTTOM + 200));
        open.close();
        let far = self.water_tone(0);
        self.fill(&open, far, 100);
        let rim = c.glow.towards(c.paper, 400);
        let mut line = Path::default().start((LEFT - 100, scene.horizon));
        line.line((RIGHT + 100, scene.horizon));
        self.stroke(&line, rim, 16, 60);

        // The marsh begins at the first band beyond this depth.
        let flats = match scene.tide {
            Tide::Low => {
                let wanted = self.chance("flats").between(430, 560);
                (1..=layers).map(depth_of).find(|d| *d >= wanted).unwrap_or(ONE)
            }
            _ => ONE + 1,
        };
        let bars = self.bars();
        let echoes = match layers {
            ..=12 => 3,
            13..=16 => 2,
            _ => 1,
        };
        let calm = |depth: i64| if depth >= flats { 400 } else { ONE };
        for i in 1..=layers {
            let (depth, next) = (depth_of(i), depth_of(i + 1));
            self.between_bands(depth_of(i - 1), depth, &bars);
            let marsh = depth >= flats;
            let crest = self.sea.contour(depth, calm(depth));
            let below = self.sea.contour(next, calm(next));
            let base = if marsh { self.marsh_tone(depth) } else { self.water_tone(depth) };
            // Some bands hold the sky's colour and some the depth's.
            let vary = noise(shade_key, depth * 17, 0);
            let base = match (marsh, vary > 0) {
                (false, true) => base.towards(c.haze, vary * 2 / 5 * (1150 - depth) / 1150),
                (true, true) => base.towards(c.glow, vary / 6),
                (_, false) => base.towards(c.deep, -vary / 4),
            };
            let base = if i % 2 == 0 { base.towards(c.paper, 80) } else { base };
            let floor = below.iter().map(|p| p.1).max().unwrap_or(BOTTOM) + 140;
            put!(
                self,
                "<linearGradient id=\"{id}w{i}\" x2=\"0\" y2=\"1\"><stop stop-color=\"{}\"/>\
                 <stop offset=\"1\" stop-color=\"{}\"/></linearGradient>",
                base.towards(if marsh { c.glow } else { c.paper }, 230),
                base.towards(c.deep, if scene.shoaling && !marsh { 190 } else { 360 })
            );
            let mut band = Path::default().start(crest[0]);
            band.through(&crest[1..]);
            band.line((RIGHT + 150, floor));
            band.line((LEFT - 150, floor));
            band.close();
            put!(
                self,
                "<path fill=\"url(#{id}w{i})\" stroke=\"{}\" stroke-width=\"{}\" \
                 stroke-opacity=\".{}\" d=\"{}\"/>",
                look.ink.towards(c.paper, self.lift() / 2),
                6 + 9 * depth / ONE,
                30 + 25 * depth / ONE,
                band.data()
            );
            // The finest cuts carry fewer lines of their own.
            if layers < 25 || i % (layers / 8) == 0 {
                self.echoes(&crest, &below, echoes, marsh, &mut chance);
            }
            if marsh {
                self.sward(depth, calm(depth), 240 / (layers + 1));
            }
        }
        self.between_bands(depth_of(layers), ONE + 1, &bars);
        self.glints(flats.min(ONE));
        if scene.tide == Tide::Low {
            self.creek(flats);
            if scene.visitor == Visitor::Heron {
                self.heron(880);
            }
        }
    }

    /// Fine lines that follow a band between its crest and the next.
    fn echoes(&mut self, crest: &[Point], below: &[Point], count: i64, marsh: bool, chance: &mut Chance) {
        let (c, ink) = (self.tone, self.look.ink.towards(self.tone.paper, self.lift()));
        let follow = |line: &mut Path, share: i64| {
            let points: Vec<Point> = crest.iter().zip(below).map(|(a, b)| (a.0, a.1 + (b.1 - a.1).max(40) * share / ONE)).collect();
            line.go(points[0]);
            line.through(&points[1..]);
        };
        let (mut lit, mut drawn) = (Path::default(), Path::default());
        // The first catches the light just under the crest.
        follow(if marsh { &mut drawn } else { &mut lit }, 130);
        for j in 1..count {
            follow(&mut drawn, 130 + 800 * j / count);
        }
        let foam = 13 + i64::from(self.look.swell) / 60;
        for (line, colour, width, opacity) in [(lit, c.glow.towards(c.paper, 500), foam, 52), (drawn, ink, 8, 29)] {
            let dashes = [(300, 2100), (60, 420), (60, 1500), (80, 900), (0, 4000)].map(|(low, high)| chance.between(low, high));
            if line.is_empty() {
                continue;
            }
            let [a, b, c, d, offset] = dashes;
            put!(
                self,
                "<path stroke=\"{colour}\" stroke-width=\"{width}\" opacity=\".{opacity}\" \
                 stroke-dasharray=\"{a} {b} {c} {d}\" stroke-dashoffset=\"{offset}\" d=\"{}\"/>",
                line.data()
            );
        }
    }

    /// What stands in the water nearer than one band and further than the next.
    fn between_bands(&mut self, from: i64, to: i64, bars: &[Bar]) {
        for bar in bars.iter().filter(|bar| (from..to).contains(&bar.depth)) {
            self.bar(bar);
        }
        match self.scene.visitor {
            Visitor::Sail if (from..to).contains(&70) => self.sail(70),
            Visitor::Poles => self.poles(from, to),
            Visitor::Heron if self.scene.tide == Tide::Ebb && (from..to).contains(&640) => {
                self.heron(640);
            }
            _ => {}
        }
    }

    fn bars(&self) -> Vec<Bar> {
        if self.scene.tide != Tide::Ebb {
            return Vec::new();
        }
        let mut chance = self.chance("bars");
        let count = chance.between(4, 6);
        let mut left = chance.percent(50);
        (0..count)
            .map(|i| {
                let depth = 70 + i * 800 / count + chance.between(0, 90);
                let scale = self.sea.scale(depth);
                left = !left;
                let aside = chance.between(900, 3300);
                Bar {
                    depth,
                    x: if left { 5000 - aside } else { 5000 + aside },
                    half: chance.between(2000, 3600) * (scale + 300) / ONE,
                    thick: chance.between(230, 380) * scale / ONE,
                    key: chance.word(),
                }
            })
            .collect()
    }

    fn bar(&mut self, bar: &Bar) {
        let c = self.tone;
        let scale = self.sea.scale(bar.depth);
        let y = self.sea.level(bar.depth);
        let along = |j: i64| bar.x - bar.half + bar.half * 2 * j / 14;
        let hump = |j: i64, side: i64| {
            let body = sine(j * TURN / 28);
            body * (700 + noise(bar.key, j * 560, side) / 2) / ONE
        };
        let outline = |drop: i64, grow: i64| {
            let mut points: Vec<Point> = (1..=14).map(|j| (along(j), y + drop - bar.thick * hump(j, 0) / ONE)).collect();
            points.extend((0..14).rev().map(|j| (along(j), y + drop + (bar.thick * 3 / 4 + grow) * hump(j, 5000) / ONE)));
            let mut path = Path::default().start((along(0), y + drop));
            path.through(&points);
            path.close();
            path
        };
        let sand = c.land.towards(c.glow, 700 - 260 * bar.depth / ONE);
        self.fill(&outline(26, 70 * scale / ONE), c.deep, 30);
        let body = outline(0, 0);
        put!(self, "<path fill=\"{sand}\" stroke=\"{}\" stroke-width=\"8\" stroke-opacity=\".4\" d=\"{}\"/>", self.look.ink, body.data());
        // Grass along the back, thicker towards the middle.
        let mut chance = self.chance(&format!("bar {}", bar.depth));
        let mut grass = Path::default();
        for _ in 0..48 {
            let at = chance.about(80, 944);
            let j = at * 14 / ONE;
            let x = bar.x - bar.half + bar.half * 2 * at / ONE;
            if noise(bar.key ^ 3, x * ONE / 700, 0) < 60 {
                continue;
            }
            let foot = y - bar.thick * hump(j, 0) / ONE * chance.between(200, 900) / ONE;
            let tall = chance.between(110, 340) * scale / ONE;
            grass.go((x, foot));
            grass.line((x + chance.between(-110, 150) * scale / ONE, foot - tall));
        }
        let blade = self.look.ink.towards(c.land, 300);
        self.stroke(&grass, blade, 9 + 8 * scale / ONE, 80);
    }

    /// Short grass along the crest of a marsh band.
    fn sward(&mut self, depth: i64, calm: i64, tufts: i64) {
        let mut chance = self.chance(&format!("sward {}", depth / 8));
        let scale = self.sea.scale(depth);
        let mut grass = Path::default();
        let key = chance.word();
        for _ in 0..tufts {
            let x = chance.between(LEFT, RIGHT);
            if noise(key, x * ONE / 900, 0) < 60 {
                continue;
            }
            let foot = self.sea.crest(x, depth, calm) + 8;
            for _ in 0..3 {
                grass.go((x + chance.between(-40, 40), foot));
                grass.line((x + chance.between(-90, 130) * scale / ONE, foot - chance.between(80, 240) * scale / ONE));
            }
        }
        let blade = self.look.ink.towards(self.marsh_tone(depth), 380);
        self.stroke(&grass, blade, 8 + 8 * scale / ONE, 75);
    }

    /// A channel winding from the marsh's edge to the lower margin.
    fn creek(&mut self, flats: i64) {
        let (c, id, ink) = (self.tone, self.id.clone(), self.look.ink);
        let mut chance = self.chance("creek");
        let phase = chance.between(0, TURN - 1);
        let turns = chance.between(1500, 2300);
        let sway = chance.between(1300, 2100);
        let width = chance.between(330, 520);
        let middle = if self.scene.light_left { 4600 } else { 5400 };
        let horizon = self.scene.horizon;
        let near = BOTTOM + 300 - horizon;
        let mouth = self.sea.level(flats) - horizon;
        let far = near * ONE / mouth.max(1);
        // Even steps over the ground, which perspective brings together far away.
        let steps = 30;
        let bend = |i: i64| {
            let away = far - (far - ONE) * i / steps;
            let angle = phase + (away - ONE) * turns * 2 / ONE;
            let below = near * ONE / away;
            let slope = cosine(angle) * 4;
            let run = (ONE * ONE + slope * slope).isqrt();
            let x = middle + sway * sine(angle) / ONE * below / near;
            (x, horizon + below, width * run / ONE * below / near)
        };
        let banks = |wide: i64, lift: i64| {
            let edge = |i: i64, side: i64| {
                let (x, y, half) = bend(i);
                let flare = if i < 3 { (3 - i) * 140 } else { 0 };
                let lift = lift * i.min(5) / 5;
                (x + side * (half * wide / ONE + flare), y - lift * (y - horizon) / near)
            };
            let mut points: Vec<Point> = (1..=steps).map(|i| edge(i, -1)).collect();
            points.extend((0..=steps).rev().map(|i| edge(i, 1)));
            let mut path = Path::default().start(edge(0, -1));
            path.through(&points);
            path.close();
            path
        };
        for (wide, opacity) in [(2300, 13), (1850, 18), (1450, 24)] {
            self.stroke(&banks(wide, 0), ink.towards(c.paper, self.lift()), 9, opacity);
        }
        let bank = c.land.towards(c.deep, 620);
        self.fill(&banks(1060, 110), bank, 90);
        put!(
            self,
            "<linearGradient id=\"{id}k\" gradientUnits=\"userSpaceOnUse\" x1=\"0\" y1=\"{}\" \
             x2=\"0\" y2=\"{BOTTOM}\"><stop stop-color=\"{}\"/><stop offset=\".45\" \
             stop-color=\"{}\"/><stop offset=\"1\" stop-color=\"{}\"/></linearGradient>\
             <path fill=\"url(#{id}k)\" d=\"{}\"/>",
            horizon + mouth,
            self.water_tone(flats).towards(c.glow, 260),
            c.glow.towards(c.shallow, 380),
            c.haze.towards(c.zenith, 360),
            banks(ONE, 0).data()
        );
        // Ripples lie across the channel.
        let mut ripples = Path::default();
        for i in 4..steps {
            let (x, y, half) = bend(i);
            let offset = chance.between(-half / 2, half / 2);
            let long = half * chance.between(120, 420) / ONE;
            ripples.go((x + offset - long, y));
            ripples.line((x + offset + long, y));
        }
        self.stroke(&ripples, c.paper, 14, 55);
    }

    /// Light caught on the water, gathered beneath the sun or moon.
    fn glints(&mut self, until: i64) {
        let (c, scene) = (self.tone, self.scene);
        let mut chance = self.chance("glints");
        let (count, stray) = match scene.light {
            Light::Veiled { .. } => (70, 100),
            _ => (150, 22),
        };
        let colour = match scene.light {
            Light::Sun { .. } => c.disc.towards(c.paper, 520),
            _ => c.paper,
        };
        let mut classes = [Path::default(), Path::default(), Path::default()];
        for _ in 0..count {
            let depth = chance.between(4, until - 1);
            let scale = self.sea.scale(depth);
            let astray = chance.percent(stray);
            let spread = scene.disc.2 * 3 / 4 + 900 * depth / ONE;
            let x = if astray { chance.between(LEFT, RIGHT) } else { scene.disc.0 + chance.about(-spread, spread) };
            let long = chance.between(40, 330) * scale / ONE / if astray { 2 } else { 1 };
            let y = self.sea.crest(x, depth, ONE);
            let class = &mut classes[(depth * 3 / (ONE + 1)) as usize];
            class.go((x - long, y));
            class.line((x + long, y));
        }
        for (i, class) in (0..).zip(&classes) {
            if !class.is_empty() {
                self.stroke(class, colour, 14 + 9 * i, 74 - 8 * i);
            }
        }
    }

    fn sail(&mut self, depth: i64) {
        let (c, ink, scene) = (self.tone, self.look.ink, self.scene);
        let mut chance = self.chance("sail");
        let size = chance.between(620, 860);
        let aside = chance.between(1500, 2300);
        let x = if scene.light_left { 5000 + aside } else { 5000 - aside };
        let y = self.sea.level(depth);
        let at = |dx: i64, dy: i64| (x + dx * size / 1000, y + dy * size / 1000);
        let canvas = c.paper.towards(c.glow, 200);
        let mut sails = Path::default().start(at(30, -1080));
        sails.bend(at(420, -620), at(430, -150));
        sails.line(at(30, -150));
        sails.close();
        sails.go(at(-30, -980));
        sails.bend(at(-210, -520), at(-330, -150));
        sails.line(at(-30, -170));
        sails.close();
        self.fill(&sails, canvas, 96);
        self.stroke(&sails, ink, 8, 50);
        let mut hull = Path::default().start(at(-390, -110));
        hull.bend(at(0, -50), at(430, -120));
        hull.bend(at(340, 40), at(180, 50));
        hull.line(at(-220, 50));
        hull.bend(at(-330, 20), at(-390, -110));
        hull.close();
        hull.go(at(-10, -90));
        hull.line(at(0, -1140));
        hull.line(at(16, -90));
        hull.close();
        self.fill(&hull, ink, 95);
        let mut image = Path::default();
        for i in 0..6 {
            let reach = 330 - i * 46;
            let sway = chance.between(-50, 50);
            image.go(at(sway - reach, 100 + i * 75));
            image.line(at(sway + reach, 100 + i * 75));
        }
        self.stroke(&image, canvas, 22, 55);
    }

    fn poles(&mut self, from: i64, to: i64) {
        let ink = self.look.ink;
        let mut chance = self.chance("poles");
        let count = chance.between(6, 9);
        let near = chance.between(1500, 2700);
        for i in 0..count {
            // Evenly set over the ground, so each stands nearer by a growing step.
            let depth = 60 + 560 * (i + 1) * (i + 1) / (count * count);
            let (lean, tall, sway) = (
                chance.between(-45, 45),
                chance.between(1000, 1500),
                [chance.between(-40, 40), chance.between(-40, 40), chance.between(-40, 40)],
            );
            if !(from..to).contains(&depth) {
                continue;
            }
            let scale = self.sea.scale(depth);
            let aside = near * (ONE - depth * 5 / 8) / ONE - 500 + 2400 * depth / ONE;
            let x = if self.scene.light_left { 5000 + aside } else { 5000 - aside };
            let y = self.sea.crest(x, depth, ONE / 2);
            let (tall, thick) = (tall * scale / ONE, 22 + 62 * scale / ONE);
            let lean = lean * scale / ONE;
            let mut image = Path::default().start((x, y + 30));
            for (j, sway) in (1..).zip(sway) {
                image.line((x + sway * scale / ONE, y + 30 + tall * j / 6));
            }
            self.stroke(&image, ink, thick * 3 / 4, 28);
            let mut pole = Path::default().start((x - thick / 2, y + 40 * scale / ONE));
            pole.line((x - thick / 3 + lean, y - tall));
            pole.line((x + thick / 3 + lean, y - tall + 24 * scale / ONE));
            pole.line((x + thick / 2, y + 40 * scale / ONE));
            pole.close();
            self.fill(&pole, ink, 94);
        }
    }

    fn heron(&mut self, depth: i64) {
        let ink = self.look.ink;
        let scene = self.scene;
        let mut chance = self.chance("heron");
        let size = chance.between(1120, 1400) * self.sea.scale(depth) / ONE;
        let aside = chance.between(1300, 2300);
        // It stands clear of the reeds and looks into the picture.
        let facing = if scene.reeds_left { -1 } else { 1 };
        let x = 5000 - facing * aside;
        let y = self.sea.level(depth) + 60;
        let at = |dx: i64, dy: i64| (x + facing * dx * size / 1000, y + dy * size / 1000);
        let mut legs = Path::default();
        for (foot, knee, hip) in [(-30, -15, 5), (55, 62, 30)] {
            legs.go(at(foot, 0));
            legs.line(at(knee, -190));
            legs.line(at(hip, -390));
        }
        self.stroke(&legs, ink, size * 16 / 1000, 96);
        let mut body = Path::default().start(at(-310, -330));
        body.bend(at(-170, -590), at(95, -625));
        body.bend(at(190, -560), at(120, -450));
        body.bend(at(20, -350), at(-120, -375));
        body.line(at(-310, -330));
        body.close();
        let mut neck = Path::default().start(at(105, -560));
        neck.through(&[at(180, -660), at(120, -790), at(130, -900), at(205, -945)]);
        let mut head = Path::default().start(at(150, -955));
        head.bend(at(190, -1010), at(260, -975));
        head.line(at(450, -915));
        head.line(at(240, -920));
        head.bend(at(180, -905), at(150, -955));
        head.close();
        head.go(at(215, -990));
        head.bend(at(90, -985), at(10, -930));
        head.bend(at(90, -960), at(200, -950));
        head.close();
        self.stroke(&neck, ink, size * 52 / 1000, 96);
        self.fill(&body, ink, 96);
        self.fill(&head, ink, 96);
        if scene.tide != Tide::Low {
            let mut rings = Path::default();
            for i in 0..3 {
                rings.go(at(-140 - i * 50, 8 + i * 34));
                rings.line(at(170 + i * 40, 8 + i * 34));
            }
            let paper = self.tone.paper;
            self.stroke(&rings, paper, 14, 55);
        }
    }

    fn rain(&mut self) {
        let Light::Veiled { rain: true } = self.scene.light else {
            return;
        };
        let mut chance = self.chance("rain");
        let slant = chance.between(120, 260) * if self.scene.light_left { 1 } else { -1 };
        for (count, width, opacity) in [(80, 7, 34), (45, 11, 42)] {
            let mut drops = Path::default();
            for _ in 0..count {
                let at = (chance.between(LEFT, RIGHT), chance.between(TOP + 700, BOTTOM - 700));
                let long = chance.between(260, 800);
                drops.go(at);
                drops.line((at.0 + slant * long / 1000, at.1 + long));
            }
            let paper = self.tone.paper;
            self.stroke(&drops, paper, width, opacity);
        }
    }

    fn reeds(&mut self) {
        let (c, scene, ink) = (self.tone, self.scene, self.look.ink);
        let (count, reach) = match scene.reeds {
            Reeds::None => return,
            Reeds::Sparse => (26, 2700),
            Reeds::Thick => (58, 4700),
        };
        let mut chance = self.chance("reeds");
        let key = chance.word();
        let plumed = chance.percent(50);
        let wind = chance.between(120, 620) * if chance.percent(50) { 1 } else { -1 };
        let bank_height = chance.between(420, 760);
        // Narrow plates move the bank inwards.
        let (inset, floor) = match scene.plate {
            Plate::Square => (0, BOTTOM),
            Plate::Arch => (550, BOTTOM),
            Plate::Round => (1300, BOTTOM - 420),
        };
        let place = |along: i64| {
            if scene.reeds_left { LEFT + inset + along } else { RIGHT - inset - along }
        };
        let top = |along: i64| {
            let fall = ONE - smooth(along * ONE / reach);
            let rough = noise(key, along * ONE / 700, 0) / 6;
            floor + 90 - bank_height * (fall + rough * fall / ONE) / ONE
        };
        for (rank, shade, shrink) in [(0, ink.towards(c.mid, 330), 1080), (1, ink, 860)] {
            let lower = rank * 190;
            let mut bank = Path::default().start((place(-1600), BOTTOM + 300));
            let points: Vec<Point> =
                (0..=12).map(|i| i * (reach + 1600) / 12 - 1600).map(|along| (place(along), top(along.max(0)) + lower)).collect();
            bank.line(points[0]);
            bank.through(&points[1..]);
            bank.line((place(reach), BOTTOM + 300));
            bank.close();
            self.fill(&bank, shade, 100);
            let (mut blades, mut heads) = (Path::default(), Path::default());
            for _ in 0..count {
                // Crowded near the edge, single stems further in.
                let along = chance.between(0, 1000) * chance.between(100, 1000) / 1000 * reach / 1000 - 150;
                let foot = (place(along), top(along.max(0)) + lower + 50);
                let tall = chance.about(900, 3100) * shrink / 1000 * (1500 - along * 700 / reach) / 1500;
                let lean = wind * tall / 2400 + chance.between(-260, 260);
                let thick = chance.between(22, 40);
                let stem = chance.percent(26);
                let (control, tip) = if stem {
                    ((foot.0 + lean / 8, foot.1 - tall * 6 / 10), (foot.0 + lean * 6 / 10, foot.1 - tall))
                } else {
                    // Leaves arch over.
                    ((foot.0 + lean / 4, foot.1 - tall * 9 / 10), (foot.0 + lean * 2, foot.1 - tall * 8 / 10))
                };
                blades.go((foot.0 - thick / 2, foot.1));
                blades.bend((control.0 - thick / 2, control.1), tip);
                blades.bend((control.0 + thick / 2, control.1), (foot.0 + thick / 2, foot.1));
                if stem {
                    let along_stem = |back: i64| {
                        let share = |a: i64, b: i64| a + (b - a) * back / 1000;
                        (share(tip.0, control.0), share(tip.1, control.1))
                    };
                    if plumed {
                        // A plume: full on the lee side, thin to windward.
                        let (head, middle, foot) = (along_stem(-60), along_stem(260), along_stem(560));
                        heads.go(head);
                        heads.bend((middle.0 + wind.signum() * 190, middle.1 + 60), foot);
                        heads.bend((middle.0 - wind.signum() * 40, middle.1), head);
                        heads.close();
                    } else {
                        heads.go(along_stem(120));
                        heads.line(along_stem(440));
                    }
                }
            }
            self.fill(&blades, shade, 100);
            if !heads.is_empty() {
                let head = shade.towards(c.land, 420);
                if plumed {
                    self.fill(&heads, head, 96);
                } else {
                    self.stroke(&heads, head, 78, 96);
                }
            }
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
