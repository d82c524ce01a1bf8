//! Above the horizon: graded sky, stars, sun or moon, clouds, the far shore, birds, rain.

use std::fmt::Write;

use super::super::chance::{ONE, TURN, noise, sine, smooth};
use super::super::path::{Path, Point};
use super::super::scene::{BOTTOM, Birds, Hour, LEFT, Light, Phase, Plate, RIGHT, Shoreline, TOP};
use super::Print;

impl Print<'_> {
    pub(super) fn sky(&mut self) {
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

    pub(super) fn stars(&mut self) {
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

    pub(super) fn light(&mut self) {
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

    pub(super) fn moon(&mut self, phase: Phase) {
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

    pub(super) fn clouds(&mut self) {
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

    pub(super) fn shoreline(&mut self) {
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

    pub(super) fn birds(&mut self) {
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

    pub(super) fn rain(&mut self) {
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
}
