//! Between the horizon and us: bands of water and marsh, sandbars, the creek, glints.

use std::fmt::Write;

use super::super::chance::{Chance, ONE, TURN, cosine, noise, sine};
use super::super::palette::Colour;
use super::super::path::{Path, Point};
use super::super::scene::{BOTTOM, Hour, LEFT, Light, RIGHT, Tide, Visitor};
use super::{Print, ramp};

/// A bank of sand standing out of the ebb.
pub(super) struct Bar {
    depth: i64,
    x: i64,
    half: i64,
    thick: i64,
    key: u64,
}

impl Print<'_> {
    /// How much line work is lightened, so that ink still shows at night.
    pub(super) fn lift(&self) -> i64 {
        if self.scene.hour == Hour::Night { 420 } else { 0 }
    }

    /// The colour of open water at a depth.
    pub(super) fn water_tone(&self, depth: i64) -> Colour {
        let c = self.tone;
        let stops = if self.scene.shoaling {
            [c.mid.towards(c.shallow, 260), c.mid.towards(c.deep, 330), c.mid.towards(c.shallow, 560), c.shallow.towards(c.glow, 420)]
        } else {
            [c.shallow.towards(c.glow, 420), c.shallow.towards(c.mid, 340), c.mid, c.deep]
        };
        ramp(stops, depth)
    }

    /// The colour of marsh at a depth.
    pub(super) fn marsh_tone(&self, depth: i64) -> Colour {
        let c = self.tone;
        ramp([c.land.towards(c.glow, 620), c.land.towards(c.glow, 300), c.land.towards(c.deep, 160), c.land.towards(c.deep, 640)], depth)
    }

    pub(super) fn water(&mut self) {
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
    pub(super) fn echoes(&mut self, crest: &[Point], below: &[Point], count: i64, marsh: bool, chance: &mut Chance) {
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
    pub(super) fn between_bands(&mut self, from: i64, to: i64, bars: &[Bar]) {
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

    pub(super) fn bars(&self) -> Vec<Bar> {
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

    pub(super) fn bar(&mut self, bar: &Bar) {
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
    pub(super) fn sward(&mut self, depth: i64, calm: i64, tufts: i64) {
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
    pub(super) fn creek(&mut self, flats: i64) {
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
    pub(super) fn glints(&mut self, until: i64) {
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
}
