//! Every plot over believable and over hostile numbers: well-formed, in words, and nowhere a value that is no number.

use governance::explanation::{model, overview::Overview, sensitivity::Curve};
use leptos::prelude::*;

use super::{samples::*, *};

const NASTY: [f64; 9] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 1e-300, 0.0, -0.0, f64::MAX];

/// Draws a plot in every layout and looks at all that could leave the page or the file.
fn is_sound(plot: &dyn Plot) {
    for layout in [Layout::WIDE, Layout::NARROW, Layout::STILL] {
        let svg = plot.draw(layout);
        let body = svg.body();
        assert!(svg.height.is_finite() && svg.height > 0.0 && svg.height < 6_000.0, "{}: {}", plot.id(), svg.height);
        is_well_formed(&body);
        for word in ["NaN", "inf", "<script", "onload="] {
            assert!(!body.contains(word), "{} has {word}", plot.id());
        }
    }
    let file = standalone(plot);
    is_well_formed(&file);
    assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && file.contains("<desc") && !file.contains("tabindex"));
    assert!(!plot.words().is_empty() && !plot.caption().is_empty() && !plot.title().is_empty());
    let table = plot.numbers();
    assert!(table.rows.iter().all(|row| row.len() == table.columns.len()), "{}", plot.id());
    assert!(plot.table().rows.iter().all(|row| row.len() == plot.table().columns.len()), "{}", plot.id());
    assert!(csv(plot).lines().count() > 0);
}

/// Tags open and close in turn, and attributes are quoted.
fn is_well_formed(markup: &str) {
    let mut open = Vec::new();
    for piece in markup.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "in {markup}");
        } else if !tag.ends_with('/') {
            open.push(tag.split_whitespace().next().expect("a tag has a name"));
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn every_plot_is_sound_over_believable_numbers() {
    let (all, overview, record) = (contributions(), overview(30, 9), track_record());
    let mut logistic = contributions();
    logistic.link = Some(model::Link::Logistic);
    let (curves, comparison, stability, links) = (curves(), comparison(), stability(), links());
    let dependence = DependencePlot::of(&overview, "listings", Some(&overview.decisions[3].digest)).unwrap();
    let plots: [&dyn Plot; 13] = [
        &WaterfallPlot(&all),
        &WaterfallPlot(&logistic),
        &ForcePlot(&all),
        &BeeswarmPlot(&overview),
        &MagnitudePlot(&overview),
        &dependence,
        &PathsPlot { overview: &overview, highlight: None },
        &SensitivityPlot { curves: &curves, unit: "mints/day", output_unit: "tokens/day" },
        &CalibrationPlot(&record),
        &OverTimePlot(&record),
        &ComparisonPlot(&comparison),
        &StabilityPlot { found: &stability, unit: "tokens/day" },
        &ChainPlot(&links),
    ];
    plots.into_iter().for_each(is_sound);
}

#[test]
fn a_waterfall_is_sound_whatever_its_numbers() {
    let evil = "<script>alert('x')</script> \"&\u{0} ".repeat(8);
    let cases: Vec<Contributions> = vec![
        bars(&[]),
        bars(&[3.0]),
        bars(&[0.0; 5]),
        bars(&[-1.0, -0.5, -0.25]),
        bars(&(0..64).map(|index| 2.0 / f64::from(index + 1)).collect::<Vec<_>>()),
        bars(&NASTY),
        bars(&[1e12, -3e-9]),
    ];
    for mut case in cases {
        is_sound(&WaterfallPlot(&case));
        is_sound(&ForcePlot(&case));
        case.link = Some(model::Link::Logistic);
        case.bars.iter_mut().for_each(|bar| (bar.label, bar.value_text) = (evil.clone(), evil.clone()));
        is_sound(&WaterfallPlot(&case));
        is_sound(&ForcePlot(&case));
    }
}

#[test]
fn many_bars_are_drawn_as_a_few_and_listed_in_full() {
    let all = bars(&(0..64).map(|index| 2.0 / f64::from(index + 1)).collect::<Vec<_>>());
    let drawn = all.drawn();
    assert_eq!((drawn.len(), drawn[11].label.as_str()), (12, "53 other inputs"));
    let sum: f64 = drawn.iter().map(|bar| bar.attribution).sum();
    assert!((all.baseline + sum - all.output).abs() < 1e-9 && (drawn[11].end - all.output).abs() < 1e-9);
    assert_eq!(WaterfallPlot(&all).table().rows.len(), 66);
}

#[test]
fn overviews_are_sound_whatever_their_numbers() {
    let mut nasty = overview(9, 4);
    for input in &mut nasty.inputs {
        input.mean_magnitude = f64::NAN;
        for (point, value) in input.points.iter_mut().zip(NASTY) {
            (point.attribution, point.value, point.relative) = (value, Some(value), Some(value));
            point.decision += 4;
        }
    }
    for (path, value) in nasty.decisions.iter_mut().zip(NASTY) {
        path.totals.truncate(2);
        (path.baseline, path.output, path.at) = (value, value, u64::MAX);
    }
    let empty = Overview { unit: String::new(), inputs: vec![], decisions: vec![] };
    for overview in [nasty, empty, overview(1, 1), overview(0, 3), overview(400, 64)] {
        is_sound(&BeeswarmPlot(&overview));
        is_sound(&MagnitudePlot(&overview));
        is_sound(&PathsPlot { overview: &overview, highlight: Some("0xnone") });
        if let Some(input) = overview.inputs.first() {
            is_sound(&DependencePlot::of(&overview, &input.name, None).unwrap());
        }
    }
}

#[test]
fn the_other_plots_are_sound_whatever_their_numbers() {
    let mut curves = curves();
    for (point, value) in curves[0].points.iter_mut().zip(NASTY) {
        (point.value, point.output, point.number) = (value, value, value);
    }
    curves[1].points.clear();
    curves[2].at = Some(f64::NAN);
    let still: Vec<Curve> = curves[5..].to_vec();
    for curves in [&curves[..], &still, &[]] {
        is_sound(&SensitivityPlot { curves, unit: "", output_unit: "" });
    }

    let mut record = track_record();
    for (outcome, value) in record.outcomes.iter_mut().zip(NASTY) {
        (outcome.predicted, outcome.observed, outcome.naive) = (value, Some(value), Some(-value));
    }
    record.calibration_slope = Some(f64::INFINITY);
    let mut none = track_record();
    none.outcomes.clear();
    for record in [record, none] {
        is_sound(&CalibrationPlot(&record));
        is_sound(&OverTimePlot(&record));
    }

    let mut comparison = comparison();
    for (input, value) in comparison.inputs.iter_mut().zip(NASTY) {
        (input.first_share, input.second_share, input.first_value) = (Some(value), Some(-value), Some(value));
    }
    is_sound(&ComparisonPlot(&comparison));
    comparison.inputs.clear();
    is_sound(&ComparisonPlot(&comparison));

    let mut found = stability();
    for (band, value) in found.bands.iter_mut().zip(NASTY) {
        (band.attribution, band.low, band.high) = (value, -value, value);
    }
    found.trials = 0;
    is_sound(&StabilityPlot { found: &found, unit: "" });
    is_sound(&ChainPlot(&[]));
}

#[test]
fn what_is_drawn_is_said() {
    let all = contributions();
    let plot = WaterfallPlot(&all);
    assert_eq!(plot.caption(), "From 15.4 to 10.8 tokens/day: 9 inputs moved it by +0.999 and −5.64.");
    assert!(plot.words().contains("Tokens passed on, last 7 days −4.28"));
    let svg = plot.draw(Layout::WIDE);
    assert!(svg.body().contains(r#"aria-label="Mint price, 0.04 ETH: −0.445, which makes 10.6 tokens/day""#), "{}", svg.body());
    assert_eq!(svg.body().matches("tabindex=\"0\"").count(), 9);
    let links = links();
    assert_eq!(ChainPlot(&links).caption(), "6 of 10 links hold. The chain breaks at output.");
}

#[test]
fn a_dot_leads_to_its_decision_and_the_table_does_too() {
    let overview = overview(3, 2);
    let plot = DependencePlot::of(&overview, "fill_7d", None).unwrap();
    let href = format!("/decisions/{}", overview.decisions[2].digest);
    assert!(plot.draw(Layout::WIDE).body().contains(&format!(r#"<a href="{href}" tabindex="-1">"#)));
    assert!(plot.table().view().to_html().contains(&href));
    assert!(!plot.draw(Layout::STILL).body().contains("<a "));
    assert!(DependencePlot::of(&overview, "nothing", None).is_none());
}

#[test]
fn a_crowd_of_dots_stays_light() {
    let crowd = overview(2_000, 12);
    assert!(BeeswarmPlot(&crowd).draw(Layout::WIDE).body().len() < 400_000);
}

#[test]
fn data_that_is_no_number_is_null_in_json() {
    let all = bars(&[f64::NAN]);
    assert!(json(&all).contains("\"attribution\": null"));
    assert!(json(&contributions()).contains("\"baseline\": 15.4"));
}

/// Writes all plots into one page, to be looked at: `PLOT_GALLERY=/some/folder cargo test … -- --ignored gallery`.
#[test]
#[ignore = "draws every plot into a folder, for a person to look at"]
fn gallery() {
    let folder = std::env::var_os("PLOT_GALLERY").map_or_else(std::env::temp_dir, std::path::PathBuf::from);
    let export = || Some("/api/v1/decisions/0x00/plots/waterfall".to_owned());
    let all = contributions();
    let mut logistic = bars(&[1.2, -0.8, 0.55, 0.31, -0.2, 0.05]);
    logistic.link = Some(model::Link::Logistic);
    let frame = || Frame { export: export(), ..Frame::default() };
    let overview = overview(30, 9);
    let here = overview.decisions[17].digest.clone();
    let many = bars(&(0..64).map(|index| noise(index * 3 + 5) * 3.0 / (index as f64 + 1.0)).collect::<Vec<_>>());
    let big = bars(&[1.23e12, -3e11, 2e-9, f64::NAN]);
    let figures = vec![
        view! { <Chain links=links() export=export()/> }.into_any(),
        view! { <Waterfall bars=all.bars.clone() baseline=all.baseline output=all.output unit="tokens/day" export=export()/> }.into_any(),
        figure(&WaterfallPlot(&logistic), frame()),
        view! { <Force bars=all.bars.clone() baseline=all.baseline output=all.output unit="tokens/day" export=export()/> }.into_any(),
        view! { <Beeswarm overview=overview.clone()/> }.into_any(),
        view! { <Magnitudes overview=overview.clone()/> }.into_any(),
        view! { <Dependence overview=overview.clone() name="transfers_7d" highlight=here.clone()/> }.into_any(),
        view! { <Dependence overview=overview.clone() name="listings"/> }.into_any(),
        view! { <Paths overview=overview.clone() highlight=here/> }.into_any(),
        view! { <Sensitivity curves=curves() unit="mints a day" output_unit="tokens/day"/> }.into_any(),
        view! { <Calibration record=track_record()/> }.into_any(),
        view! { <OverTime record=track_record()/> }.into_any(),
        view! { <SideBySide comparison=comparison()/> }.into_any(),
        view! { <Stability found=stability() unit="tokens/day"/> }.into_any(),
    ];
    let hard = vec![
        figure(&WaterfallPlot(&many), frame()),
        figure(&WaterfallPlot(&big), frame()),
        figure(&WaterfallPlot(&bars(&[0.0; 4])), frame()),
        figure(&WaterfallPlot(&bars(&[-1.0, -0.4])), frame()),
        figure(&WaterfallPlot(&bars(&[2.0])), frame()),
        figure(&ForcePlot(&many), frame()),
        figure(&BeeswarmPlot(&super::samples::overview(400, 14)), frame()),
        figure(&PathsPlot { overview: &super::samples::overview(200, 40), highlight: None }, frame()),
        figure(&SensitivityPlot { curves: &curves()[5..], unit: "", output_unit: "" }, frame()),
    ];
    for (name, figures) in [("plots", figures), ("hard", hard)] {
        let body: String = figures.into_iter().map(|one| format!("<section class=\"section\"><div class=\"section-head\"><h2>Plot</h2></div><div class=\"section-body\">{}</div></section>", one.to_html())).collect();
        for theme in ["light", "dark"] {
            let page = format!(
                "<!DOCTYPE html><html lang=\"en\" data-theme=\"{theme}\"><head><meta charset=\"utf-8\"><title>Plots</title>\
                 <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{}</style></head>\
                 <body><main class=\"page\"><h1>Plots</h1>{body}</main></body></html>",
                crate::assets::STYLE
            );
            std::fs::write(folder.join(format!("{name}-{theme}.html")), page).unwrap();
        }
    }
    for (name, file) in [
        ("waterfall", standalone(&WaterfallPlot(&logistic))),
        ("paths", standalone(&PathsPlot { overview: &overview, highlight: None })),
        ("chain", standalone(&ChainPlot(&links()))),
    ] {
        std::fs::write(folder.join(format!("{name}.svg")), file).unwrap();
    }
}
