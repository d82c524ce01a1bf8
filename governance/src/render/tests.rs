use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::*;

/// A print is never larger than this, in bytes.
const SIZE_LIMIT: usize = 60_000;

fn seed(n: u32) -> [u8; 32] {
    Sha256::digest(n.to_be_bytes()).into()
}

fn ratified() -> BTreeMap<String, Value> {
    let flags = json!({
        "ink": "#12324A", "inscription": "first light", "layers": 12, "mint.open": true,
        "mint.price": 0.04, "mirror": false, "moon.rarity": 20, "palette": "dawn", "swell": 0.35,
    });
    flags.as_object().unwrap().clone().into_iter().collect()
}

fn refused(key: &str, value: Value) -> LookError {
    let mut flags = ratified();
    flags.insert(key.to_owned(), value);
    Look::from_flags(&flags).unwrap_err()
}

fn trait_of(seed: [u8; 32], look: &Look, name: &str) -> String {
    traits(seed, look).into_iter().find(|(n, _)| n == name).unwrap().1
}

/// Panics unless every element is closed in order, and returns the ids.
fn well_formed(svg: &str) -> BTreeSet<String> {
    let mut open = Vec::new();
    let mut ids = BTreeSet::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a stray `>` before {}", &rest[start..]);
        let end = start + rest[start..].find('>').expect("every tag ends");
        let tag = &rest[start + 1..end];
        assert!(!tag.contains('<'), "a stray `<` in {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "unbalanced quotes in {tag}");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order");
        } else {
            if let Some(id) = tag.split(" id=\"").nth(1) {
                let id = id.split('"').next().unwrap().to_owned();
                assert!(ids.insert(id), "an id twice in {tag}");
            }
            if !tag.ends_with('/') {
                open.push(tag.split(' ').next().unwrap());
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
    for reference in svg.split("url(#").skip(1) {
        let id = reference.split(')').next().unwrap();
        assert!(ids.contains(id), "{id} is used but not defined");
    }
    ids
}

#[test]
fn the_same_seed_and_look_always_give_the_same_bytes() {
    let look = Look::default();
    assert_eq!(render(seed(1), &look), render(seed(1), &look));
    assert_ne!(render(seed(1), &look), render(seed(2), &look));
}

#[test]
fn known_prints_keep_their_digests() {
    let heavy = Look { palette: Palette::Ember, layers: 40, swell: 1000, mirror: true, ..Look::default() };
    let moonlit = Look { palette: Palette::Bloom, moon_rarity: 100, ..Look::default() };
    let calm = Look { palette: Palette::Kelp, layers: 4, swell: 0, moon_rarity: 0, inscription: String::new(), ..Look::default() };
    let digests = [(seed(1), Look::default()), (seed(2), heavy), (seed(3), moonlit), (seed(4), calm)]
        .map(|(seed, look)| Sha256::digest(render(seed, &look)).iter().fold(String::new(), |hex, b| format!("{hex}{b:02x}")));
    assert_eq!(
        digests,
        [
            "a06187ee54056d3d865b57d518303c04b1aaf84f4726116fc34b21c907636991",
            "7303d556ff59227602615a3582cf3be6c5fdd9ce48e5ada39142a551142a4cd2",
            "1f035a4cbe6305f1a997cd06bb7d5b165bc9f945a63389b6c9b62370a1052318",
            "b408360cb835fea7c35b6b01264818866cce593d1500c832c65b60ef09dda201",
        ]
    );
}

#[test]
fn the_fullest_prints_stay_small() {
    for layers in [4, 12, 16, 17, 24, 25, 32, 33, 40] {
        for n in 0..150 {
            let look = Look { layers, swell: 1000, mirror: true, ..Look::default() };
            let size = render(seed(n), &look).len();
            assert!(size < SIZE_LIMIT, "{size} bytes for seed {n} and {layers} layers");
        }
    }
}

#[test]
fn an_inscription_is_lettering_and_never_markup() {
    let look = Look { inscription: "<script>&\"\u{7}'".to_owned(), ..Look::default() };
    let svg = render(seed(5), &look);
    well_formed(&svg);
    assert!(!svg.contains("<script"));
    assert!(svg.contains(">&lt;script&gt;&amp;&quot; &#39;</text>"));
}

#[test]
fn a_print_carries_no_scripts_and_refers_to_nothing_outside() {
    let svg = render(seed(6), &Look::default());
    assert!(svg.contains("viewBox=\"0 0 1000 1000\""));
    assert!(svg.contains("<title ") && svg.contains("<desc "));
    for forbidden in ["<script", "href", "<image", "<style", "@import", "url(http", "onload"] {
        assert!(!svg.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn prints_in_one_page_share_no_ids() {
    let before = Look::default();
    let after = Look { swell: 700, ..Look::default() };
    let first = well_formed(&render(seed(7), &before));
    assert!(first.is_disjoint(&well_formed(&render(seed(7), &after))));
    assert!(first.is_disjoint(&well_formed(&render(seed(8), &before))));
}

#[test]
fn another_palette_keeps_the_composition() {
    let shapes = |palette| {
        let svg = render(seed(9), &Look { palette, ..Look::default() });
        svg.split(" d=\"").skip(1).map(|d| d.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for palette in Palette::ALL {
        assert_eq!(shapes(palette), shapes(Palette::Dawn));
    }
}

#[test]
fn a_rarer_moon_changes_only_the_prints_that_had_one() {
    let with = |moon_rarity| Look { moon_rarity, ..Look::default() };
    for n in 0..60 {
        assert_eq!(trait_of(seed(n), &with(0), "moon"), "none");
        assert_ne!(trait_of(seed(n), &with(100), "moon"), "none");
        for name in ["plate", "horizon", "tide", "birds", "visitor", "reeds"] {
            assert_eq!(trait_of(seed(n), &with(0), name), trait_of(seed(n), &with(100), name));
        }
    }
    let moons = (0..1000).filter(|n| trait_of(seed(*n), &with(20), "moon") != "none").count();
    assert!((150..250).contains(&moons), "{moons} moons in a thousand at 20 %");
}

#[test]
fn a_mirrored_print_is_lit_from_the_other_side() {
    let mirrored = Look { mirror: true, ..Look::default() };
    let straight = trait_of(seed(10), &Look::default(), "light from");
    assert_ne!(straight, trait_of(seed(10), &mirrored, "light from"));
    assert!(render(seed(10), &mirrored).contains("matrix(-1 0 0 1 10000 0)"));
}

#[test]
fn ratified_values_become_a_look() {
    assert_eq!(Look::from_flags(&ratified()).unwrap(), Look::default());
}

#[test]
fn a_decimal_is_read_to_the_nearest_thousandth() {
    for (value, thousandths) in [(json!(0.0), 0), (json!(0.29), 290), (json!(0.5751), 575), (json!(1.0), 1000), (json!(1), 1000)] {
        let mut flags = ratified();
        flags.insert("swell".to_owned(), value);
        assert_eq!(Look::from_flags(&flags).unwrap().swell, thousandths);
    }
}

#[test]
fn a_missing_value_is_named() {
    for key in ["ink", "inscription", "layers", "mirror", "moon.rarity", "palette", "swell"] {
        let mut flags = ratified();
        flags.remove(key);
        let refusal = Look::from_flags(&flags).unwrap_err();
        assert_eq!((refusal.key, refusal.found.as_str()), (key, "missing"));
    }
}

#[test]
fn a_value_out_of_range_or_of_another_type_is_refused_with_what_was_needed() {
    for (key, value) in [
        ("ink", json!("12324A")),
        ("ink", json!("#12324")),
        ("ink", json!("#+2324A")),
        ("inscription", json!("é".repeat(25))),
        ("inscription", json!(7)),
        ("layers", json!(3)),
        ("layers", json!(41)),
        ("layers", json!(12.5)),
        ("layers", json!("12")),
        ("mirror", json!("true")),
        ("moon.rarity", json!(101)),
        ("moon.rarity", json!(-1)),
        ("palette", json!("Dawn")),
        ("palette", json!(0)),
        ("swell", json!(1.001)),
        ("swell", json!(-0.01)),
        ("swell", json!("0.35")),
        ("swell", Value::Null),
    ] {
        let refusal = refused(key, value.clone());
        assert_eq!((refusal.key, &refusal.found), (key, &value.to_string()));
    }
    assert_eq!(refused("layers", json!(41)).to_string(), "`layers` is 41; needed: a whole number from 4 to 40");
}

#[test]
fn a_look_beyond_its_ranges_is_drawn_at_the_nearest_allowed_one() {
    let beyond = Look { layers: 255, swell: u16::MAX, moon_rarity: 255, ..Look::default() };
    let nearest = Look { layers: 40, swell: 1000, moon_rarity: 100, ..Look::default() };
    assert_eq!(render(seed(11), &beyond), render(seed(11), &nearest));
    let wordy = Look { inscription: "é".repeat(500), ..Look::default() };
    assert!(render(seed(11), &wordy).len() < SIZE_LIMIT);
}

prop_compose! {
    fn any_look()(
        palette in proptest::sample::select(Palette::ALL.to_vec()),
        ink in any::<[u8; 3]>(),
        inscription in "\\PC{0,12}",
        layers in LAYERS,
        swell in 0..=SWELL_LIMIT,
        mirror in any::<bool>(),
        moon_rarity in 0..=MOON_LIMIT,
    ) -> Look {
        let ink = Colour::new(ink[0], ink[1], ink[2]);
        Look { palette, ink, inscription, layers, swell, mirror, moon_rarity }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_print_is_small_well_formed_and_says_what_it_shows(seed in any::<[u8; 32]>(), look in any_look()) {
        let svg = render(seed, &look);
        prop_assert!(svg.len() < SIZE_LIMIT, "{} bytes", svg.len());
        well_formed(&svg);

        let traits: BTreeMap<_, _> = traits(seed, &look).into_iter().collect();
        prop_assert_eq!(&traits["bands"], &look.layers.to_string());
        prop_assert!(svg.matches("<linearGradient id=").count() >= usize::from(look.layers));
        let desc = svg.split("<desc ").nth(1).unwrap().split("</desc>").next().unwrap();
        prop_assert!(desc.contains(look.palette.name()));
        for (name, words) in [("moon", " moon"), ("visitor", "heron"), ("reeds", "reeds")] {
            let shown = match name {
                "visitor" => traits[name] == "a heron",
                _ => traits[name] != "none",
            };
            prop_assert_eq!(desc.contains(words), shown, "{}: {}", name, desc);
        }
    }
}
