//! Plots as files to take away: `….svg` drawn as on the page, `….csv` and `….json` with its numbers.

use std::sync::Arc;

use app::{
    plots::{
        BeeswarmPlot, CalibrationPlot, ComparisonPlot, Contributions, DependencePlot, ForcePlot, OverTimePlot, PathsPlot, Plot,
        SensitivityPlot, StabilityPlot, WaterfallPlot, csv, json, standalone,
    },
    views::{AgentView, DecisionView},
};
use axum::{
    extract::{Path, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{Problem, backend, decisions};
use crate::bridge::Bridge;

#[derive(Clone, Copy, Debug)]
enum Kind {
    Svg,
    Csv,
    Json,
}

impl Kind {
    fn split(file: &str) -> Option<(&str, Self)> {
        let (name, end) = file.rsplit_once('.')?;
        let kind = match end {
            "svg" => Self::Svg,
            "csv" => Self::Csv,
            "json" => Self::Json,
            _ => return None,
        };
        Some((name, kind))
    }

    fn answer(self, name: &str, plot: &dyn Plot, data: &impl Serialize) -> Response {
        let (media, end, text) = match self {
            Self::Svg => ("image/svg+xml", "svg", standalone(plot)),
            Self::Csv => ("text/csv; charset=utf-8", "csv", csv(plot)),
            Self::Json => ("application/json", "json", json(data)),
        };
        // Names come from models; what a header cannot hold is left out.
        let plain: String = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-' || *letter == '_').collect();
        let mut answer = ([(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, "no-cache")], text).into_response();
        if let Ok(disposition) = HeaderValue::from_str(&format!("inline; filename=\"{plain}.{end}\"")) {
            answer.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
        }
        answer
    }
}

/// `/api/v1/decisions/{digest}/plots/{file}`
pub async fn of_decision(State(bridge): State<Arc<Bridge>>, Path((digest, file)): Path<(String, String)>) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("Plot {file} of decision {digest}"));
    let (name, kind) = Kind::split(&file).ok_or_else(missing)?;
    let view = backend::decision_view(&bridge, &digest).await.map_err(decisions::problem)?;
    draw_decision(&view, name, kind).ok_or_else(missing)
}

fn draw_decision(view: &DecisionView, name: &str, kind: Kind) -> Option<Response> {
    let record = &view.record;
    let contributions = || Contributions {
        baseline: record.baseline.value,
        output: record.output.value,
        unit: record.output.unit.clone(),
        bars: view.bars.clone(),
        link: None,
    };
    match name {
        "waterfall" => Some(kind.answer(name, &WaterfallPlot(&contributions()), &view.bars)),
        "force" => Some(kind.answer(name, &ForcePlot(&contributions()), &view.bars)),
        "sensitivity" if !view.what_ifs.curves.is_empty() => {
            let curves = &view.what_ifs.curves;
            let plot = SensitivityPlot { curves, unit: &view.rule_unit, output_unit: &record.output.unit };
            Some(kind.answer(name, &plot, curves))
        }
        "stability" => {
            let found = view.what_ifs.stability.as_ref()?;
            Some(kind.answer(name, &StabilityPlot { found, unit: &record.output.unit }, found))
        }
        _ => {
            let other = name.strip_prefix("comparison-")?;
            let opinion = view.others.iter().find(|opinion| opinion.summary.digest == other)?;
            Some(kind.answer("comparison", &ComparisonPlot(&opinion.comparison), &opinion.comparison))
        }
    }
}

/// `/api/v1/agents/{slug}/plots/{file}`
pub async fn of_agent(State(bridge): State<Arc<Bridge>>, Path((slug, file)): Path<(String, String)>) -> Result<Response, Problem> {
    let missing = || Problem::not_found(format!("Plot {file} of agent {slug}"));
    let (name, kind) = Kind::split(&file).ok_or_else(missing)?;
    let reading = bridge.reading();
    let agent = reading.dao.agents.iter().find(|agent| agent.slug == slug).ok_or_else(missing)?;
    draw_agent(&backend::agent_view(&reading, agent), name, kind).ok_or_else(missing)
}

fn draw_agent(view: &AgentView, name: &str, kind: Kind) -> Option<Response> {
    let record = || view.track_record.as_ref();
    let overview = || view.overview.as_ref();
    match name {
        "over-time" => record().map(|record| kind.answer(name, &OverTimePlot(record), record)),
        "calibration" => record().map(|record| kind.answer(name, &CalibrationPlot(record), record)),
        "beeswarm" => overview().map(|overview| kind.answer(name, &BeeswarmPlot(overview), overview)),
        "paths" => overview().map(|overview| kind.answer(name, &PathsPlot { overview, highlight: None }, &overview.decisions)),
        _ => {
            let overview = overview()?;
            let input = name.strip_prefix("dependence-")?;
            let data = overview.inputs.iter().find(|known| known.name == input)?;
            Some(kind.answer(name, &DependencePlot::of(overview, input, None)?, data))
        }
    }
}
