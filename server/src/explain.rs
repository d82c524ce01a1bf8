//! `wherefore explain`: attributions of every row of a file, for any model that is read here.
//!
//! It needs no bridge and no chain. What it prints as JSON is meant to be piped, however many rows there are; what it
//! prints as text is meant to be read, so it shows the first rows and the features that count.

mod report;

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read as _, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use alloy_primitives::B256;
use clap::{Args, ValueEnum};
use governance::explanation::{
    AttributionError, Attributions, Method, Model, Request, Rows, attribute,
    attribution::{
        Arithmetic, Groups, PathDependent, Space, choose,
        groups::{GroupsError, Way},
    },
    model::Format,
};

use governance::explanation::model::table::{self, RowsError};

/// The most bytes of rows that are read at once.
const MAX_ROWS_BYTES: u64 = 8 << 30;

#[derive(Clone, Debug, Args)]
pub struct ExplainArgs {
    /// Model file: XGBoost JSON or UBJSON, LightGBM text, CatBoost JSON, ONNX or linear JSON.
    #[arg(long)]
    pub model: PathBuf,
    /// Format of the model file; it is recognised unless named.
    #[arg(long, default_value = "auto", value_parser = format)]
    pub format: ModelFormat,
    /// Rows to explain: CSV with a header, or JSON (`-` reads standard input).
    #[arg(long)]
    pub rows: PathBuf,
    /// Rows that stand for what is usual, in the same formats.
    #[arg(long)]
    pub background: Option<PathBuf>,
    /// How to attribute; the exact method that fits the model and the background unless named.
    #[arg(long, default_value = "auto", value_parser = method)]
    pub method: AskedMethod,
    /// Threads to compute with; 0 is one for each core. The result does not depend on it.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
    /// What attributions add up to: margin is what the model sums up, probability what becomes of it. Methods that cannot
    /// attribute probabilities rescale the margin's attributions, and say so.
    #[arg(long, default_value = "margin", value_parser = space)]
    pub space: Space,
    /// Numbers that trees are walked with: single is many times faster and within 1e-5, double within 1e-12.
    #[arg(long, value_enum, default_value_t = Precision::Single)]
    pub precision: Precision,
    /// Orders of features that sampling tries, or steps of a path.
    #[arg(long, default_value_t = 256)]
    pub samples: usize,
    /// What random choices are drawn from: the same seed, the same result.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Features to tell as one: a JSON object such as `{"demand": ["fill_7d", "mints_7d"]}`, or lines such as
    /// `demand: fill_7d, mints_7d`. Features in no group stay by themselves.
    #[arg(long)]
    pub groups: Option<PathBuf>,
}

/// A named format, or whichever the file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelFormat(pub Option<Format>);

/// A named method, or whichever fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedMethod(pub Option<Method>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    Single,
    Double,
}

fn format(name: &str) -> Result<ModelFormat, String> {
    match (name, Format::from_name(name)) {
        ("auto", _) => Ok(ModelFormat(None)),
        (_, Some(format)) => Ok(ModelFormat(Some(format))),
        _ => Err(format!("there is auto, {}", Format::ALL.map(Format::name).join(", "))),
    }
}

fn method(name: &str) -> Result<AskedMethod, String> {
    match (name, Method::from_name(name)) {
        ("auto", _) => Ok(AskedMethod(None)),
        (_, Some(method)) => Ok(AskedMethod(Some(method))),
        _ => Err(format!("there is auto, {}", Method::ALL.map(Method::name).join(", "))),
    }
}

fn space(name: &str) -> Result<Space, String> {
    Space::from_name(name).ok_or_else(|| "there is margin, probability, rescaled".to_owned())
}

#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// The command asks for something that cannot be: a file that is not there, a method that does not fit.
    #[error("{0}")]
    Usage(String),
    /// Model or rows are wrong.
    #[error("{0}")]
    Wrong(String),
    #[error("the result could not be written: {0}")]
    Output(#[from] io::Error),
}

/// What was computed, with all that somebody needs to compute it again.
#[derive(Debug)]
pub struct Explained<'a> {
    pub model: &'a Model,
    pub rows: &'a Rows,
    pub attributions: &'a Attributions,
    pub precision: Precision,
    pub samples: usize,
    pub seed: u64,
    pub why_method: String,
    pub model_sha256: B256,
    pub background: Option<(B256, usize)>,
    pub groups: Option<&'a Groups>,
    pub residual_max: f64,
    /// Reading the model.
    pub load: Duration,
    /// Attribution alone.
    pub elapsed: Duration,
}

/// Explains, and writes the result to `out`: as JSON, or as text for people. Remarks on the files go to `remark`.
pub fn run(args: &ExplainArgs, json: bool, out: &mut impl Write, mut remark: impl FnMut(&str)) -> Result<(), ExplainError> {
    let model_bytes = file(&args.model, governance::explanation::model::MAX_BYTES as u64)?;
    let started = Instant::now();
    let model = match args.format.0 {
        None => Model::read(&model_bytes),
        Some(format) => Model::read_as(&model_bytes, format),
    };
    let load = started.elapsed();
    let model = model.map_err(|error| ExplainError::Wrong(format!("{}: {error}", args.model.display())))?;
    let model_sha256 = Model::sha256(&model_bytes);
    drop(model_bytes);

    let mut taken = |path: &Path| {
        let bytes = file(path, MAX_ROWS_BYTES)?;
        let read = table::read(&bytes, model.feature_names()).map_err(|error: RowsError| wrong(path, error))?;
        read.notes.iter().for_each(|note| remark(&format!("{}: {note}", path.display())));
        Ok::<_, ExplainError>((Model::sha256(&bytes), read.rows))
    };
    let (_, rows) = taken(&args.rows)?;
    let background = args.background.as_deref().map(&mut taken).transpose()?;
    if background.as_ref().is_some_and(|(_, rows)| rows.is_empty()) {
        return Err(ExplainError::Wrong("the background has no rows".into()));
    }
    let groups = args.groups.as_deref().map(|path| groups(path, model.feature_names())).transpose()?;
    let request = request(args, background.as_ref().map(|(_, rows)| rows), groups.as_ref())?;

    let started = Instant::now();
    let ready = ready(&model, &request).map_err(refused)?;
    let load = load + started.elapsed();
    let started = Instant::now();
    let attributions = match &ready {
        Some(forest) => forest.attribute(&rows, request.threads),
        None => attribute(&model, &rows, &request).map_err(refused)?,
    };
    let elapsed = started.elapsed();
    if let Some(row) = attributions.predictions.chunks(attributions.outputs).position(|row| row.iter().any(|margin| !margin.is_finite())) {
        return Err(ExplainError::Wrong(AttributionError::NotANumber { row }.to_string()));
    }
    if let Some(note) = attributions.space_note() {
        remark(note);
    }
    let explained = Explained {
        why_method: why(attributions.method, &request, &model),
        residual_max: residual_max(&attributions),
        model: &model,
        rows: &rows,
        attributions: &attributions,
        precision: args.precision,
        samples: args.samples,
        seed: args.seed,
        model_sha256,
        background: background.as_ref().map(|(hash, rows)| (*hash, rows.len())),
        groups: groups.as_ref(),
        load,
        elapsed,
    };
    let mut out = io::BufWriter::with_capacity(1 << 16, out);
    if json {
        report::json(&explained, &mut out)?
    } else {
        report::text(&explained, &mut out)?
    }
    out.flush()?;
    Ok(())
}

/// Brings the arguments into the form that `governance` asks for.
fn request<'a>(args: &ExplainArgs, background: Option<&'a Rows>, groups: Option<&'a Groups>) -> Result<Request<'a>, ExplainError> {
    if args.samples == 0 {
        return Err(ExplainError::Usage("--samples is 0; at least 1 is needed".into()));
    }
    let threads = match args.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some.min(1_024),
    };
    let arithmetic = match args.precision {
        Precision::Single => Arithmetic::Single,
        Precision::Double => Arithmetic::Double,
    };
    let Request { budget, .. } = Request::default();
    let (method, samples, seed, space) = (args.method.0, args.samples, args.seed, args.space);
    Ok(Request { method, background, arithmetic, threads, samples, seed, space, groups, budget })
}

/// The forest with its constants worked out, where only they are needed: this belongs to reading the model.
fn ready(model: &Model, request: &Request<'_>) -> Result<Option<PathDependent>, AttributionError> {
    let method = match request.method {
        Some(method) => method,
        None => choose(model, request.background)?.0,
    };
    match (method, model.forest()) {
        (Method::PathDependent, Some(forest)) if request.space == Space::Margin && request.groups.is_none() => {
            PathDependent::new(forest, request.arithmetic).map(Some)
        }
        _ => Ok(None),
    }
}

fn wrong(path: &Path, error: impl std::fmt::Display) -> ExplainError {
    ExplainError::Wrong(format!("{}: {error}", path.display()))
}

/// What was asked for may not go together, or what was given may be wrong.
fn refused(error: AttributionError) -> ExplainError {
    match error {
        AttributionError::NotForThisModel { .. }
        | AttributionError::NoBackground { .. }
        | AttributionError::NoCovers
        | AttributionError::NoProbability { .. }
        | AttributionError::TooManyEvaluations { .. }
        | AttributionError::TooManyFeatures { .. } => ExplainError::Usage(error.to_string()),
        other => ExplainError::Wrong(other.to_string()),
    }
}

fn file(path: &Path, most: u64) -> Result<Vec<u8>, ExplainError> {
    let unreadable = |error: io::Error| ExplainError::Usage(format!("{} could not be read: {error}", path.display()));
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        let file = std::fs::File::open(path).map_err(unreadable)?;
        bytes.reserve(file.metadata().map_or(0, |about| about.len().min(most) as usize));
        file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > most {
        return Err(ExplainError::Wrong(format!("{} has more than the {most} bytes that are read", path.display())));
    }
    Ok(bytes)
}

/// Reads which features are told as one.
fn groups(path: &Path, features: &[String]) -> Result<Groups, ExplainError> {
    let bytes = file(path, 16 << 20)?;
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        let text = String::from_utf8(bytes).map_err(|_| wrong(path, "it is not text"))?;
        return Groups::parse(features, &text).map_err(|error| wrong(path, error));
    }
    let named: BTreeMap<String, Vec<String>> =
        serde_json::from_slice(&bytes).map_err(|error| wrong(path, format!("groups are an object of lists of features: {error}")))?;
    let places: HashMap<&str, usize> = features.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let mut groups = Vec::with_capacity(named.len());
    for (group, names) in named {
        let place =
            |name: String| places.get(name.as_str()).copied().ok_or(GroupsError::NoSuchFeature { group: group.clone(), feature: name });
        let members = names.into_iter().map(place).collect::<Result<Vec<usize>, _>>().map_err(|error| wrong(path, error))?;
        groups.push((group, members));
    }
    Groups::new(features, &groups).map_err(|error| wrong(path, error))
}

fn residual_max(attributions: &Attributions) -> f64 {
    let all =
        (0..attributions.rows()).flat_map(|row| (0..attributions.outputs).map(move |output| attributions.residual(row, output).abs()));
    all.fold(0.0, f64::max)
}

/// Why this method, in a sentence.
fn why(method: Method, request: &Request<'_>, model: &Model) -> String {
    if request.method.is_some() {
        return "it was asked for".into();
    }
    match choose(model, request.background) {
        Ok((chosen, sentence)) if chosen == method => sentence.into(),
        _ => "it can give what was asked for".into(),
    }
}

#[cfg(test)]
mod tests;
