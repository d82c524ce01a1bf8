//! What stands in or before the water: a sail, mooring poles, a heron, reeds.

use super::super::chance::{ONE, noise, smooth};
use super::super::path::{Path, Point};
use super::super::scene::{BOTTOM, LEFT, Plate, RIGHT, Reeds, Tide};
use super::Print;

impl Print<'_> {
    pub(super) fn sail(&mut self, depth: i64) {
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

    pub(super) fn poles(&mut self, from: i64, to: i64) {
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

    pub(super) fn heron(&mut self, depth: i64) {
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

    pub(super) fn reeds(&mut self) {
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
}
