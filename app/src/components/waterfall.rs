//! How a model's usual answer became this one: one bar per input, each starting where the last ended.
//!
//! The plot is for the eye; the table under it holds the same numbers for everyone.

use governance::explanation::Bar;
use leptos::prelude::*;

const ROW: f64 = 34.0;
const WIDTH: f64 = 720.0;
/// Where labels end and bars may begin.
const LEFT: f64 = 290.0;
const RIGHT: f64 = 70.0;

#[component]
pub fn Waterfall(bars: Vec<Bar>, baseline: f64, output: f64, #[prop(into)] unit: String) -> impl IntoView {
    let scale = Scale::over(&bars, baseline, output);
    let height = ROW * (bars.len() as f64 + 2.0) + 6.0;
    let title = format!(
        "From the usual {} to {} {unit}: {}",
        number(baseline),
        number(output),
        bars.iter().map(|bar| format!("{} {}", bar.label, signed(bar.attribution))).collect::<Vec<_>>().join(", ")
    );
    let axis = format!("{:.1}", scale.x(baseline));
    let drawn: Vec<_> =
        bars.iter().enumerate().map(|(index, bar)| view! { <PlotRow scale top=ROW * (index as f64 + 1.0) bar=bar.clone()/> }).collect();
    let last = ROW * (bars.len() as f64 + 1.0);
    let rows: Vec<_> = bars
        .into_iter()
        .map(|bar| {
            view! {
                <tr>
                    <th scope="row">{bar.label}</th>
                    <td class="num">{bar.value_text}</td>
                    <td class="num">{signed(bar.attribution)}</td>
                    <td class="num">{number(bar.end)}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <div class="waterfall">
            <div class="scroll" tabindex="0" role="group" aria-label="Plot">
                <svg class="waterfall-plot" viewBox=format!("0 0 {WIDTH} {height}") role="img" aria-label=title>
                    <line class="waterfall-axis" x1=axis.clone() x2=axis y1="4" y2=format!("{:.1}", height - 4.0)/>
                    <Total scale top=0.0 label="usual answer" value=baseline/>
                    {drawn}
                    <Total scale top=last label="this answer" value=output/>
                </svg>
            </div>
            <details class="fold">
                <summary>"The same as a table"</summary>
                <div class="scroll" tabindex="0" role="group" aria-label="Contributions">
                    <table class="table">
                        <thead>
                            <tr>
                                <th scope="col">"Input"</th>
                                <th scope="col" class="num">"Its value"</th>
                                <th scope="col" class="num">"Moves the answer by"</th>
                                <th scope="col" class="num">"Running total"</th>
                            </tr>
                        </thead>
                        <tbody>
                            <tr><th scope="row">"Usual answer"</th><td></td><td></td><td class="num">{number(baseline)}</td></tr>
                            {rows}
                            <tr><th scope="row">"This answer"</th><td></td><td></td><td class="num">{format!("{} {unit}", number(output))}</td></tr>
                        </tbody>
                    </table>
                </div>
            </details>
        </div>
    }
}

#[component]
fn PlotRow(scale: Scale, top: f64, bar: Bar) -> impl IntoView {
    let (from, to) = (scale.x(bar.start), scale.x(bar.end));
    let left = from.min(to);
    let width = (from - to).abs().max(1.5);
    let class = if bar.attribution < 0.0 { "waterfall-down" } else { "waterfall-up" };
    let middle = format!("{:.1}", top + ROW / 2.0 + 4.5);
    let label = shortened(&bar.label);
    view! {
        <text x="0" y=middle.clone()>{label}</text>
        <text class="waterfall-soft" x=format!("{:.1}", LEFT - 16.0) y=middle.clone() text-anchor="end">{bar.value_text}</text>
        <line class="waterfall-join" x1=format!("{from:.1}") x2=format!("{from:.1}") y1=format!("{:.1}", top - 8.0) y2=format!("{:.1}", top + 8.0)/>
        <rect class=class x=format!("{left:.1}") y=format!("{:.1}", top + 8.0) width=format!("{width:.1}") height=format!("{:.1}", ROW - 16.0) rx="1"/>
        <text class="waterfall-value" x=format!("{:.1}", left + width + 7.0) y=middle>{signed(bar.attribution)}</text>
    }
}

#[component]
fn Total(scale: Scale, top: f64, label: &'static str, value: f64) -> impl IntoView {
    let x = scale.x(value);
    let middle = format!("{:.1}", top + ROW / 2.0 + 4.5);
    view! {
        <text class="waterfall-value" x="0" y=middle.clone()>{label}</text>
        <rect class="waterfall-total" x=format!("{:.1}", x - 2.0) y=format!("{:.1}", top + 6.0) width="4" height=format!("{:.1}", ROW - 12.0) rx="1"/>
        <text class="waterfall-value" x=format!("{:.1}", x + 9.0) y=middle>{number(value)}</text>
    }
}

/// Values to places on the plot.
#[derive(Clone, Copy, Debug)]
struct Scale {
    low: f64,
    span: f64,
}

impl Scale {
    fn over(bars: &[Bar], baseline: f64, output: f64) -> Self {
        let values = bars.iter().flat_map(|bar| [bar.start, bar.end]).chain([baseline, output]).filter(|value| value.is_finite());
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        Self { low, span: if high > low { high - low } else { 1.0 } }
    }

    fn x(self, value: f64) -> f64 {
        LEFT + ((value - self.low) / self.span).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

/// Three significant digits, without an exponent.
fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn signed(value: f64) -> String {
    match number(value.abs()) {
        size if value < 0.0 => format!("−{size}"),
        size => format!("+{size}"),
    }
}

/// What fits beside the bars; the table has it in full.
fn shortened(label: &str) -> String {
    const FITS: usize = 32;
    if label.chars().count() <= FITS { label.to_owned() } else { label.chars().take(FITS - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contributions_carry_their_sign() {
        assert_eq!(signed(4.123), "+4.12");
        assert_eq!(signed(-0.05), "−0.050");
        assert_eq!(number(127.4), "127");
    }

    #[test]
    fn a_plot_of_equal_values_still_has_a_width() {
        let scale = Scale::over(&[], 3.0, 3.0);
        assert!(scale.x(3.0).is_finite());
    }
}
