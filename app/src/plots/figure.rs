//! The frame around a plot: what it shows in words, the drawing for wide and for narrow places, the same numbers as a table,
//! and files of them to take away.

use leptos::prelude::*;

use super::{
    svg::{Layout, Svg},
    table::Table,
    text::escaped,
};

/// Something that can be drawn, said and tabled.
pub trait Plot {
    /// Its name in addresses and anchors, such as `waterfall`.
    fn id(&self) -> String;
    fn title(&self) -> String;
    /// What is drawn and how to read it, in a sentence or two.
    fn caption(&self) -> String;
    /// What the drawing shows, in words, for those who do not see it.
    fn words(&self) -> String;
    fn draw(&self, layout: Layout) -> Svg;
    /// The numbers, as far as a page should show them.
    fn table(&self) -> Table;
    /// All the numbers, for a file.
    fn numbers(&self) -> Table {
        self.table()
    }
}

/// How a plot stands in a page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The address of the plot's files without their endings, such as `/api/v1/decisions/0x…/plots/waterfall`.
    pub export: Option<String>,
    /// The section's own title says what this is.
    pub untitled: bool,
    /// In place of the plot's own, where a page has the same plot twice.
    pub id: Option<String>,
}

/// A plot in a page.
pub fn figure(plot: &dyn Plot, frame: Frame) -> AnyView {
    let id = frame.id.unwrap_or_else(|| plot.id());
    let title = plot.title();
    let caption = plot.caption();
    let words = plot.words();
    let wide = drawing(plot.draw(Layout::WIDE), "wide", &id, &title, &words);
    let narrow = drawing(plot.draw(Layout::NARROW), "narrow", &id, &title, &words);
    let table = plot.table().view();
    let files = frame.export.map(|base| files(&base, &title));
    let class = if frame.untitled { "visually-hidden" } else { "plot-title" };
    view! {
        <figure class="plot" id=format!("plot-{id}")>
            <figcaption>
                <span class=class>{title}</span>
                " "
                <span class="plot-caption">{caption}</span>
            </figcaption>
            <div class="plot-sheet">{wide}{narrow}</div>
            <div class="plot-foot">
                <details class="fold">
                    <summary>"The same as a table"</summary>
                    {table}
                </details>
                {files}
            </div>
        </figure>
    }
    .into_any()
}

/// Links to the files of a plot.
pub(super) fn files(base: &str, title: &str) -> impl IntoView + use<> + 'static {
    let files: Vec<_> = [("svg", "SVG"), ("csv", "CSV"), ("json", "JSON")]
        .into_iter()
        .map(|(ending, word)| {
            let label = format!("{word}: {title}");
            view! { <li><a href=format!("{base}.{ending}") rel="external" download="" aria-label=label>{word}</a></li> }
        })
        .collect();
    view! { <ul class="plot-files">{files}</ul> }
}

/// Both are in the page and the stylesheet shows the one that fits, so that no script is needed and text keeps its size.
fn drawing(svg: Svg, form: &'static str, id: &str, title: &str, words: &str) -> impl IntoView + use<> + 'static {
    let (title_id, words_id) = (format!("{id}-{form}-title"), format!("{id}-{form}-words"));
    let inner =
        format!(r#"<title id="{title_id}">{}</title><desc id="{words_id}">{}</desc>{}"#, escaped(title), escaped(words), svg.body());
    view! {
        <svg
            class=format!("plot-drawing plot-{form}")
            viewBox=format!("0 0 {} {:.0}", svg.width, svg.height)
            role=if svg.is_group() { "group" } else { "img" }
            aria-labelledby=title_id
            aria-describedby=words_id
            inner_html=inner
        ></svg>
    }
}
