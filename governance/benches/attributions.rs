//! What attributions cost, beside other libraries measured in the same run. Prints ratios; asserts nothing about time.
//!
//! `PEERS` names the folder that `peers.py` filled with models, rows and its timings; without it only the steward's
//! small model is measured, beside nothing.

use std::{hint::black_box, path::Path, time::Instant};

use governance::explanation::{
    Model, Rows,
    attribution::{Arithmetic, Attributions, PathDependent, interventional, path_dependent},
};
use serde_json::Value;

/// Rows of the interventional benchmark's background.
const BACKGROUND: usize = 100;

/// Microseconds of one call, as the best of calls made over about a second.
fn microseconds<T>(mut call: impl FnMut() -> T) -> f64 {
    black_box(call());
    let started = Instant::now();
    let mut best = f64::INFINITY;
    let mut calls = 0;
    while calls < 3 || (started.elapsed().as_secs_f64() < 1.0 && calls < 10_000) {
        let call_started = Instant::now();
        black_box(call());
        best = best.min(call_started.elapsed().as_secs_f64() * 1e6);
        calls += 1;
    }
    best
}

fn numbers(path: &Path) -> Option<Vec<f64>> {
    let bytes = std::fs::read(path).ok()?;
    Some(bytes.chunks_exact(8).map(|number| f64::from_le_bytes(number.try_into().expect("eight bytes"))).collect())
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The fastest peer for this model, method and number of threads.
fn best_peer<'a>(peers: &'a Value, model: &str, method: &str, threads: usize) -> Option<(&'a str, f64)> {
    let measured = peers.as_array()?.iter().filter(|peer| {
        peer["model"] == model && peer["method"] == method && peer["threads"].as_u64().is_some_and(|used| used as usize <= threads)
    });
    measured.filter_map(|peer| Some((peer["peer"].as_str()?, peer["microseconds"].as_f64()?))).min_by(|one, two| one.1.total_cmp(&two.1))
}

struct Case<'a> {
    name: &'a str,
    model: &'a Model,
    rows: &'a Rows,
    peers: &'a Value,
}

impl Case<'_> {
    fn line(&self, what: &str, threads: usize, method: &str, microseconds: f64, note: &str) {
        let rows = self.rows.len() as f64;
        let leaves = self.model.forest().map_or(1, |forest| forest.leaves()) as f64;
        let (each, per_leaf) = (microseconds / rows, microseconds * 1e3 / rows / leaves);
        let peer = match best_peer(self.peers, self.name, method, threads) {
            Some((peer, time)) => format!("{:>8.1}x  {peer} ({time:.1} us)", time / each),
            None => String::from("       -   no peer"),
        };
        println!("  {what:<38} {each:>9.2} us/row {per_leaf:>7.3} ns/leaf {peer}{note}");
    }

    fn path_dependent(&self) {
        let Some(forest) = self.model.forest().filter(|forest| forest.has_covers()) else { return };
        let exact = path_dependent(forest, self.rows, Arithmetic::Double, 2).expect("the model has covers");
        for (what, arithmetic) in [("path-dependent, 32 bits", Arithmetic::Single), ("path-dependent, 64 bits", Arithmetic::Double)] {
            let ready = PathDependent::new(forest, arithmetic).expect("the model has covers");
            let found = ready.attribute(self.rows, 1);
            let error = largest_difference(&found.values, &exact.values);
            let note = if error > 0.0 { format!(", within {error:.0e} of 64 bits") } else { String::new() };
            for threads in [1, 2] {
                let time = microseconds(|| ready.attribute(self.rows, threads));
                self.line(
                    &format!("{what}, {threads} thread{}", if threads > 1 { "s" } else { "" }),
                    threads,
                    "path-dependent",
                    time,
                    &note,
                );
            }
        }
        let residual = (0..exact.rows()).map(|row| exact.residual(row, 0).abs()).fold(0.0, f64::max);
        println!("  {:<38} {residual:>9.0e}", "largest residual, 64 bits");
        self.one_row();
    }

    /// What a reviewer's click costs: with the model ready, and from the model alone.
    fn one_row(&self) {
        let Some(forest) = self.model.forest() else { return };
        let row = Rows::one(self.rows.row(0));
        for (what, arithmetic) in [("32 bits", Arithmetic::Single), ("64 bits", Arithmetic::Double)] {
            let ready = PathDependent::new(forest, arithmetic).expect("the model has covers");
            let click = microseconds(|| ready.attribute(&row, 1));
            let alone = microseconds(|| path_dependent(forest, &row, arithmetic, 1));
            let making = microseconds(|| PathDependent::new(forest, arithmetic));
            println!("  one row, {what:<29} {click:>9.1} us        {alone:>9.1} us with making ready ({making:.1} us)");
        }
    }

    fn interventional(&self, background: &Rows) {
        let Some(forest) = self.model.forest() else { return };
        for (what, arithmetic) in [("interventional, 32 bits", Arithmetic::Single), ("interventional, 64 bits", Arithmetic::Double)] {
            let attribute = |threads| interventional(forest, self.rows, background, arithmetic, threads);
            match attribute(1) {
                Err(error) => println!("  {what}: {error}"),
                Ok(_) => {
                    for threads in [1, 2] {
                        let time = microseconds(|| attribute(threads));
                        let what = format!("{what}, {threads} thread{}", if threads > 1 { "s" } else { "" });
                        self.line(&what, threads, "interventional", time, ", all in");
                    }
                }
            }
        }
    }

    fn agreement(&self, found: &Attributions, peer: &[f64]) {
        println!("  {:<38} {:>9.0e}", "largest difference to the library's own", largest_difference(&found.values, peer));
    }
}

fn main() {
    let Some(folder) = std::env::var_os("PEERS") else {
        println!("PEERS names no folder filled by benches/peers.py, so there is nothing to measure (`make bench` fills one)");
        return;
    };
    let folder = Path::new(&folder);
    let peers: Value =
        std::fs::read(folder.join("peers.json")).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let rows = numbers(&folder.join("rows.f64")).expect("peers.py writes rows");
    let background = numbers(&folder.join("background.f64")).expect("peers.py writes a background");
    let columns = background.len() / BACKGROUND;
    let (rows, background) = (Rows::from_values(columns, rows), Rows::from_values(columns, background));
    for (name, file) in [
        ("small", "small.json"),
        ("medium", "medium.json"),
        ("large", "large.json"),
        ("lightgbm", "lightgbm.txt"),
        ("catboost", "catboost.json"),
    ] {
        let Ok(bytes) = std::fs::read(folder.join(file)) else {
            println!("{name}: there is no {file}, so it is not measured");
            continue;
        };
        let model = match Model::read(&bytes) {
            Ok(model) => model,
            Err(error) => {
                println!("{name}: {error}");
                continue;
            }
        };
        let forest = model.forest().expect("every model here is a forest");
        println!("{name}: {} trees, {} leaves, depth {}", forest.trees(), forest.leaves(), forest.depth());
        let read = microseconds(|| Model::read(&bytes));
        println!("  {:<38} {:>9.2} ms        {:.1} MB", "reading the file", read / 1e3, bytes.len() as f64 / 1e6);
        let case = Case { name, model: &model, rows: &rows, peers: &peers };
        case.path_dependent();
        if let Some(expected) = numbers(&folder.join(format!("values-{name}.f64"))) {
            let first = Rows::from_values(columns, rows.values()[..expected.len()].to_vec());
            if let Ok(found) = path_dependent(forest, &first, Arithmetic::Double, 1) {
                case.agreement(&found, &expected);
            }
        }
        if name == "small" || name == "medium" {
            case.interventional(&background);
        }
    }
}
