//! What the rules cost, beside a peer or a limit measured in the same run. Prints ratios; asserts nothing about time.

use std::{hint::black_box, time::Instant};

use governance::{
    explanation::{Model, Request, Rows, attribute},
    log::{Frontier, Hash, SigningKey, leaf_hash, merkle, note::Note},
    render::{Look, render},
};

/// Microseconds of one call, as the best of several rounds.
fn microseconds(mut call: impl FnMut()) -> f64 {
    call();
    (0..7)
        .map(|_| {
            let started = Instant::now();
            let mut calls = 0_u32;
            while started.elapsed().as_millis() < 60 {
                call();
                calls += 1;
            }
            started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
        })
        .fold(f64::INFINITY, f64::min)
}

fn line(what: &str, ours: f64, beside: &str, other: f64) {
    println!("{what:<46} {ours:>9.2} us   {beside}: {other:>9.2} us   ratio {:>7.2}", other / ours);
}

fn main() {
    let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../server/agents/cadence-steward/model.json"))
        .expect("the steward's model is in the repository");
    let model = Model::read(&bytes).expect("the steward's model can be read");
    let row = [0.97, 122.0, 110.0, 58.0, 40.0, 0.04, 18.0];
    let explained = microseconds(|| {
        black_box(attribute(&model, &Rows::one(black_box(&row)), &Request::default()).expect("the model is a forest"));
    });
    match std::env::var("PEER_MICROSECONDS").ok().and_then(|text| text.trim().parse::<f64>().ok()) {
        Some(peer) => line("attributions of one row (84 trees, depth 4)", explained, "XGBoost pred_contribs, one thread", peer),
        None => {
            println!("attributions of one row (84 trees, depth 4)    {explained:>9.2} us   (XGBoost is not installed, so there is no peer)")
        }
    }
    let predicted = microseconds(|| {
        black_box(model.predict(black_box(&row)));
    });
    line("attributions of one row", explained, "its prediction alone", predicted);

    let mut frontier = Frontier::new();
    let mut nodes = std::collections::HashMap::new();
    for index in 0..100_000_u64 {
        frontier.push_each(leaf_hash(&index.to_be_bytes()), |level, number, hash| {
            nodes.insert((level, number), hash);
        });
    }
    let proof = merkle::prove_inclusion::<governance::log::MerkleError>(12_345, 100_000, |level, number| Ok(nodes[&(level, number)]))
        .expect("the tree is whole");
    let root = frontier.root();
    let leaf = leaf_hash(&12_345_u64.to_be_bytes());
    let verified = microseconds(|| merkle::verify_inclusion(black_box(leaf), 12_345, 100_000, &proof, root).expect("the proof holds"));
    let hash = microseconds(|| {
        black_box(Hash::of(black_box(&[7; 65])));
    });
    line("inclusion proof in a log of 100,000", verified, "its hashes alone", hash * (proof.len() as f64));

    let key = SigningKey::from_seed("bench.example/log", &[7; 32]).expect("a fixed seed is a key");
    let note = key.sign("bench.example/log\n1\nAAAA\n").expect("plain text signs").to_string();
    let opened = microseconds(|| {
        let note = Note::parse(black_box(&note)).expect("the note is whole");
        black_box(note.verify(std::slice::from_ref(key.verifier())).expect("the note holds"));
    });
    println!("{:<46} {opened:>9.2} us", "signed checkpoint opened");

    let drawn = microseconds(|| {
        black_box(render(black_box([9; 32]), &Look::default()));
    });
    println!("{:<46} {drawn:>9.2} us", "one image drawn");
}
