//! The chain from what was known to what runs: one node per link, each opening what was compared.

use governance::explanation::{
    links::{Link, LinkKind, LinkState},
    verification::Check,
};
use leptos::prelude::*;

use super::{
    figure::Plot,
    svg::{Anchor, Layout, Path, Svg},
    table::{Cell, Table},
    text::{counted, listed, shortened},
};
use crate::components::{Glyph, Icon};

/// A link's word.
pub fn kind_word(kind: LinkKind) -> &'static str {
    match kind {
        LinkKind::Record => "Record",
        LinkKind::Inputs => "Inputs",
        LinkKind::Model => "Model",
        LinkKind::Attributions => "Reasons",
        LinkKind::Output => "Output",
        LinkKind::Rule => "Rule",
        LinkKind::Value => "Value",
        LinkKind::Calldata => "Calldata",
        LinkKind::Executed => "Executed",
        LinkKind::Engine => "Engine",
    }
}

/// A state's word.
pub fn state_word(state: LinkState) -> &'static str {
    match state {
        LinkState::Mismatch => "mismatch",
        LinkState::Unchecked => "unchecked",
        LinkState::Pending => "pending",
        LinkState::Holds => "holds",
    }
}

fn glyph(state: LinkState) -> Glyph {
    match state {
        LinkState::Mismatch => Glyph::Cross,
        LinkState::Unchecked => Glyph::Dash,
        LinkState::Pending => Glyph::Hourglass,
        LinkState::Holds => Glyph::Check,
    }
}

fn class(state: LinkState) -> &'static str {
    match state {
        LinkState::Mismatch => "chain-bad",
        LinkState::Unchecked => "chain-open",
        LinkState::Pending => "chain-later",
        LinkState::Holds => "chain-good",
    }
}

/// The chain for files; a page has [`Chain`], whose nodes open.
#[derive(Clone, Copy, Debug)]
pub struct ChainPlot<'a>(pub &'a [Link]);

impl ChainPlot<'_> {
    fn named(&self, state: LinkState) -> Vec<String> {
        self.0.iter().filter(|link| link.state == state).map(|link| kind_word(link.kind).to_lowercase()).collect()
    }
}

impl Plot for ChainPlot<'_> {
    fn id(&self) -> String {
        "chain".into()
    }

    fn title(&self) -> String {
        "From what was known to what runs".into()
    }

    fn caption(&self) -> String {
        let holds = self.named(LinkState::Holds).len();
        let broken = self.named(LinkState::Mismatch);
        let said = if holds == self.0.len() {
            format!("All {} hold", counted(holds, "link"))
        } else {
            format!("{holds} of {} hold", counted(self.0.len(), "link"))
        };
        if broken.is_empty() { format!("{said}.") } else { format!("{said}. The chain breaks at {}.", listed(&broken)) }
    }

    fn words(&self) -> String {
        let said: Vec<String> = self.0.iter().map(|link| format!("{} {}", kind_word(link.kind), state_word(link.state))).collect();
        format!("{}.", listed(&said))
    }

    fn draw(&self, layout: Layout) -> Svg {
        let count = self.0.len().max(1) as f64;
        let step = layout.pick(layout.width / count, 44.0);
        let mut svg = Svg::new(layout, layout.pick(72.0, step * count + 8.0));
        for (index, link) in self.0.iter().enumerate() {
            let place = |index: usize| layout.pick((step * (index as f64 + 0.5), 20.0), (20.0, 24.0 + step * index as f64));
            let (x, y) = place(index);
            if index + 1 < self.0.len() {
                let next = place(index + 1);
                let (from, to) = layout.pick(((x + 14.0, y), (next.0 - 14.0, next.1)), ((x, y + 14.0), (next.0, next.1 - 14.0)));
                svg.line(if link.state == LinkState::Holds { "held" } else { "join" }, from, to);
            }
            svg.circle(class(link.state), (x, y), 12.0);
            let tick = match link.state {
                LinkState::Holds => Path::at(x - 5.0, y + 0.5).line(x - 1.5, y + 4.0).line(x + 5.0, y - 4.0),
                LinkState::Mismatch => Path::at(x - 4.0, y - 4.0).line(x + 4.0, y + 4.0).to(x + 4.0, y - 4.0).line(x - 4.0, y + 4.0),
                LinkState::Unchecked => Path::at(x - 4.5, y).line(x + 4.5, y),
                LinkState::Pending => {
                    Path::at(x - 4.0, y - 5.0).line(x + 4.0, y - 5.0).line(x - 4.0, y + 5.0).line(x + 4.0, y + 5.0).closed()
                }
            };
            svg.path(if matches!(link.state, LinkState::Holds | LinkState::Mismatch) { "sign sign-on" } else { "sign" }, &tick);
            let (anchor, at) = layout.pick((Anchor::Middle, (x, y + 32.0)), (Anchor::Start, (x + 24.0, y + 4.5)));
            svg.text("small strong", at, anchor, &shortened(kind_word(link.kind), layout.pick(step, 100.0), 12.0));
            let at = layout.pick((x, y + 48.0), (x + 110.0, y + 4.5));
            svg.text("small soft", at, anchor, state_word(link.state));
        }
        svg
    }

    fn table(&self) -> Table {
        let rows = self
            .0
            .iter()
            .map(|link| vec![Cell::words(kind_word(link.kind)), Cell::words(state_word(link.state)), Cell::words(&link.sentence)]);
        Table::new(self.title(), &["Link", "State", "What was found"]).with(rows)
    }

    fn numbers(&self) -> Table {
        let rows = self.0.iter().flat_map(|link| {
            link.checks.iter().map(|check| {
                let ok = if check.ok { "yes" } else { "no" };
                let cells = [kind_word(link.kind), state_word(link.state), &check.name, &check.expected, &check.found, ok];
                cells.map(Cell::words).into()
            })
        });
        Table::new(self.title(), &["Link", "State", "Check", "Expected", "Found", "Agrees"]).with(rows)
    }
}

/// The chain as a row of nodes, or a column where there is little room. Each opens its checks, without JavaScript.
#[component]
pub fn Chain(links: Vec<Link>, #[prop(optional_no_strip, into)] export: Option<String>) -> impl IntoView {
    let caption = ChainPlot(&links).caption();
    let title = ChainPlot(&links).title();
    let files = export.map(|base| super::figure::files(&base, &title));
    let nodes: Vec<_> = links
        .into_iter()
        .map(|link| {
            let state = state_word(link.state);
            view! {
                <li class=format!("chain-link {}", class(link.state))>
                    <details name="chain">
                        <summary>
                            <span class="chain-node"><Icon glyph=glyph(link.state)/></span>
                            <span class="chain-word">{kind_word(link.kind)}</span>
                            <span class="chain-state"><span class="visually-hidden">" "</span>{state}</span>
                        </summary>
                        <div class="chain-found">
                            <p><b class="chain-again">{kind_word(link.kind)}" "</b>{link.sentence}</p>
                            {(!link.checks.is_empty()).then(|| view! { <Checks checks=link.checks/> })}
                        </div>
                    </details>
                </li>
            }
        })
        .collect();
    view! {
        <figure class="plot plot-chain" id="plot-chain">
            <figcaption><span class="plot-title">{title}</span>" "<span class="plot-caption">{caption}</span></figcaption>
            <ol class="chain">{nodes}</ol>
            <div class="plot-foot">{files}</div>
        </figure>
    }
}

#[component]
fn Checks(checks: Vec<Check>) -> impl IntoView {
    let rows: Vec<_> = checks
        .into_iter()
        .map(|check| {
            let (mark, word, glyph) =
                if check.ok { ("check check-good", "agrees: ", Glyph::Check) } else { ("check check-bad", "differs: ", Glyph::Cross) };
            let found = if check.ok { check.found } else { format!("expected {}, found {}", check.expected, check.found) };
            view! {
                <li class=mark>
                    <Icon glyph/>
                    <span><span class="visually-hidden">{word}</span>{check.name}": "<span class="hash">{found}</span></span>
                </li>
            }
        })
        .collect();
    view! { <ul class="checks">{rows}</ul> }
}
