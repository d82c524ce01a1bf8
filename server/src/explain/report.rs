//! How an explanation is written: as JSON, one number after another without a document in memory, or as a text.

use std::io::{self, Write};

use alloy_primitives::hex;
use governance::explanation::Attributions;
use serde::{Serialize, Serializer, ser::SerializeSeq};

use super::{Explained, Groups, Precision, Way};

/// Rows that are shown in a text.
const SHOWN_ROWS: usize = 5;
/// Features that are shown of each.
const SHOWN_FEATURES: usize = 12;
/// Outputs that are shown of each.
const SHOWN_OUTPUTS: usize = 3;
/// Characters of the longest bar.
const BAR: f64 = 24.0;

/// The result as one line of JSON. The first eight keys and their order are what others rely on.
pub(super) fn json(explained: &Explained<'_>, out: &mut impl Write) -> io::Result<()> {
    let attributions = explained.attributions;
    let document = Document {
        method: attributions.method.name(),
        output_names: explained.model.output_names(),
        features: names(explained),
        base_values: &attributions.base_values,
        predictions: Predictions(attributions),
        attributions: PerFeature { all: attributions, values: &attributions.values },
        elapsed_us: microseconds(explained.elapsed),
        load_us: microseconds(explained.load),
        space: attributions.space.name(),
        residual_max: explained.residual_max,
        why_method: &explained.why_method,
        model_sha256: hex::encode(explained.model_sha256),
        background_sha256: explained.background.map(|(hash, _)| hex::encode(hash)),
        background_rows: explained.background.map(|(_, rows)| rows),
        precision: precision(explained.precision),
        samples: explained.samples,
        seed: explained.seed,
        evaluations: attributions.evaluations,
        standard_errors: attributions.standard_errors.as_ref().map(|values| PerFeature { all: attributions, values }),
        groups: explained.groups.map(|groups| Grouped(explained, groups)),
        groups_way: explained.groups.map(|_| Groups::way(attributions.method)),
        version: env!("CARGO_PKG_VERSION"),
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct Document<'a> {
    method: &'static str,
    output_names: &'a [String],
    features: &'a [String],
    base_values: &'a [f64],
    predictions: Predictions<'a>,
    attributions: PerFeature<'a>,
    elapsed_us: f64,
    load_us: f64,
    space: &'static str,
    residual_max: f64,
    why_method: &'a str,
    model_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    background_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background_rows: Option<usize>,
    precision: &'static str,
    samples: usize,
    seed: u64,
    evaluations: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    standard_errors: Option<PerFeature<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Grouped<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups_way: Option<Way>,
    version: &'static str,
}

/// Rows of outputs.
struct Predictions<'a>(&'a Attributions);

impl Serialize for Predictions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut rows = serializer.serialize_seq(Some(self.0.rows()))?;
        for row in self.0.predictions.chunks_exact(self.0.outputs) {
            rows.serialize_element(row)?;
        }
        rows.end()
    }
}

/// Rows of outputs of features.
struct PerFeature<'a> {
    all: &'a Attributions,
    values: &'a [f64],
}

impl Serialize for PerFeature<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Outputs<'a>(&'a [f64], usize);
        impl Serialize for Outputs<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_seq(self.0.chunks_exact(self.1))
            }
        }
        let Attributions { features, outputs, .. } = *self.all;
        let rows = self.values.chunks_exact(features * outputs);
        serializer.collect_seq(rows.map(|row| Outputs(row, features)))
    }
}

/// Which features each name stands for.
struct Grouped<'a>(&'a Explained<'a>, &'a Groups);

impl Serialize for Grouped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let features = self.0.model.feature_names();
        let members = |group: usize| self.1.members(group).iter().map(|member| &features[*member]).collect::<Vec<_>>();
        serializer.collect_map(self.1.names().iter().enumerate().map(|(group, name)| (name, members(group))))
    }
}

/// What attributions are attributed to: features, or groups of them.
fn names<'a>(explained: &Explained<'a>) -> &'a [String] {
    explained.groups.map_or_else(|| explained.model.feature_names(), Groups::names)
}

fn microseconds(time: std::time::Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Single => "single",
        Precision::Double => "double",
    }
}

/// The result for people: what was computed, then the first rows, each with what moved it most.
pub(super) fn text(explained: &Explained<'_>, out: &mut impl Write) -> io::Result<()> {
    let (model, all) = (explained.model, explained.attributions);
    let (rows, outputs) = (all.rows(), all.outputs);
    let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let objective = if model.objective().is_empty() { String::new() } else { format!(" {}", model.objective()) };
    writeln!(
        out,
        "Model    {}{objective}, {}, {}; read in {}",
        model.format(),
        plural(model.features(), "feature"),
        plural(outputs, "output"),
        duration(explained.load.as_secs_f64()),
    )?;
    writeln!(out, "Method   {}: {}", all.method.name(), explained.why_method)?;
    if let Some((hash, rows)) = explained.background {
        writeln!(out, "Against  {} of background, sha256 {}", plural(rows, "row"), hex::encode(hash))?;
    }
    let each = explained.elapsed.as_secs_f64() / rows.max(1) as f64;
    writeln!(
        out,
        "Time     {} for {}, {} a row; largest residual {}",
        duration(explained.elapsed.as_secs_f64()),
        plural(rows, "row"),
        duration(each),
        short(explained.residual_max)
    )?;
    writeln!(out, "Values   in {}s; base value plus all attributions is the prediction", all.space.name())?;
    for row in 0..rows.min(SHOWN_ROWS) {
        for output in 0..outputs.min(SHOWN_OUTPUTS) {
            let name = if outputs == 1 { String::new() } else { format!(", {}", plain(&model.output_names()[output])) };
            writeln!(
                out,
                "\nRow {}{name}: {} = {} + attributions",
                row + 1,
                short(all.predictions(row)[output]),
                short(all.base_values[output])
            )?;
            one(explained, row, output, out)?;
        }
        if outputs > SHOWN_OUTPUTS {
            writeln!(out, "  … and {} with --json", plural(outputs - SHOWN_OUTPUTS, "more output"))?;
        }
    }
    if rows > SHOWN_ROWS {
        writeln!(out, "\n… and {} with --json", plural(rows - SHOWN_ROWS, "more row"))?;
    }
    Ok(())
}

/// A table of one output of one row, what moved it most first.
fn one(explained: &Explained<'_>, row: usize, output: usize, out: &mut impl Write) -> io::Result<()> {
    let all = explained.attributions;
    let (values, errors) = (all.values(row, output), all.standard_errors(row, output));
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*b].abs().total_cmp(&values[*a].abs()));
    let shown = &order[..order.len().min(SHOWN_FEATURES)];
    let titles: Vec<String> = shown.iter().map(|feature| plain(&names(explained)[*feature])).collect();
    let width = titles.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let largest = shown.first().map_or(0.0, |feature| values[*feature].abs());
    for (feature, name) in shown.iter().zip(&titles) {
        let given = match explained.groups.map_or(&[*feature][..], |groups| groups.members(*feature)) {
            [one] if explained.rows.row(row)[*one].is_nan() => "missing".to_owned(),
            [one] => short(explained.rows.row(row)[*one]),
            several => format!("{} inputs", several.len()),
        };
        let length = if largest > 0.0 { (values[*feature].abs() / largest * BAR).ceil() as usize } else { 0 };
        let bar = if values[*feature] < 0.0 { "▒" } else { "█" }.repeat(length);
        let error = errors.map_or_else(String::new, |errors| format!(" ±{}", short(errors[*feature])));
        let line = format!("  {name:width$}  {given:>10}  {:>11}{error}  {bar}", signed(values[*feature]));
        writeln!(out, "{}", line.trim_end())?;
    }
    if let [_, ..] = &order[shown.len()..] {
        let rest = &order[shown.len()..];
        let sum: f64 = rest.iter().map(|feature| values[*feature]).sum();
        writeln!(out, "  {:width$}  {:>10}  {:>11}", format!("{} others", rest.len()), "", signed(sum))?;
    }
    Ok(())
}

/// A name from a file, without what a terminal could take for a command.
fn plain(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(60).collect()
}

/// Five digits that count.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if !(1e-4..1e7).contains(&size) {
        format!("{value:.2e}")
    } else {
        let decimals = (4 - size.log10().floor() as i32).clamp(0, 8) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

fn signed(value: f64) -> String {
    if value < 0.0 { short(value) } else { format!("+{}", short(value)) }
}

/// Seconds in a unit that suits them.
fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds if seconds >= 1e-3 => format!("{:.2} ms", seconds * 1e3),
        seconds if seconds >= 1e-6 => format!("{:.2} µs", seconds * 1e6),
        seconds => format!("{:.0} ns", seconds * 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_shown_in_few_digits() {
        let numbers: [(f64, &str); 8] = [
            (0.0, "0"),
            (17.25, "17.25"),
            (-0.123_456_7, "-0.12346"),
            (123_456.7, "123457"),
            (1e-9, "1.00e-9"),
            (2.5e9, "2.50e9"),
            (100.0, "100"),
            (f64::INFINITY, "inf"),
        ];
        for (number, text) in numbers {
            assert_eq!(short(number), text);
        }
        assert_eq!(signed(3.0), "+3");
        let times = [(2.0, "2.00 s"), (0.0123, "12.30 ms"), (1.5e-6, "1.50 µs"), (2e-7, "200 ns")];
        for (seconds, text) in times {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn a_name_cannot_speak_to_the_terminal() {
        assert_eq!(plain("fill\u{1b}[2J"), "fill[2J");
    }
}
