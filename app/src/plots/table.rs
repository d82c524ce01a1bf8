//! The numbers of a plot as a table: under it in the page, and as CSV.

use leptos::prelude::*;

use super::number::{number, signed};

/// Columns and rows; the first cell of each row names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub caption: String,
    pub columns: Vec<&'static str>,
    pub rows: Vec<Vec<Cell>>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Words(String),
    /// Written short in the page and in full in a file.
    Number {
        value: Option<f64>,
        shown: String,
    },
    Link {
        words: String,
        href: String,
    },
}

impl Cell {
    pub fn words(words: impl Into<String>) -> Self {
        Self::Words(words.into())
    }

    pub fn number(value: impl Into<Option<f64>>) -> Self {
        Self::shown(value, number)
    }

    pub fn signed(value: impl Into<Option<f64>>) -> Self {
        Self::shown(value, signed)
    }

    pub fn shown(value: impl Into<Option<f64>>, write: impl Fn(f64) -> String) -> Self {
        let value = value.into();
        Self::Number { value, shown: value.map_or_else(|| "–".into(), write) }
    }

    /// A decision by what it is called.
    pub fn decision(words: impl Into<String>, digest: &str) -> Self {
        Self::Link { words: words.into(), href: decision_href(digest) }
    }
}

/// Where a decision's page is.
pub fn decision_href(digest: &str) -> String {
    format!("/decisions/{digest}")
}

impl Table {
    pub fn new(caption: impl Into<String>, columns: &[&'static str]) -> Self {
        Self { caption: caption.into(), columns: columns.to_vec(), rows: Vec::new() }
    }

    pub fn with(mut self, rows: impl IntoIterator<Item = Vec<Cell>>) -> Self {
        self.rows.extend(rows);
        self
    }

    fn is_numeric(&self, column: usize) -> bool {
        self.rows.iter().any(|row| matches!(row.get(column), Some(Cell::Number { .. })))
    }

    /// RFC 4180, numbers with every digit they have.
    #[cfg(feature = "ssr")]
    pub fn csv(&self) -> String {
        let mut text = self.columns.iter().map(|name| field(name)).collect::<Vec<_>>().join(",");
        text.push_str("\r\n");
        for row in &self.rows {
            let fields = row.iter().map(|cell| match cell {
                Cell::Words(words) => field(words),
                Cell::Link { href, .. } => field(href.rsplit('/').next().unwrap_or_default()),
                Cell::Number { value, .. } => value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string()),
            });
            text.push_str(&fields.collect::<Vec<_>>().join(","));
            text.push_str("\r\n");
        }
        text
    }

    pub fn view(self) -> impl IntoView + use<> + 'static {
        let numeric: Vec<bool> = (0..self.columns.len()).map(|column| self.is_numeric(column)).collect();
        let class = |column: usize| if numeric.get(column).is_some_and(|numeric| *numeric) { "num" } else { "" };
        let head: Vec<_> =
            self.columns.iter().enumerate().map(|(column, name)| view! { <th scope="col" class=class(column)>{*name}</th> }).collect();
        let body: Vec<_> = self
            .rows
            .into_iter()
            .map(|row| {
                let cells: Vec<_> = row
                    .into_iter()
                    .enumerate()
                    .map(|(column, cell)| {
                        let content = match cell {
                            Cell::Words(words) | Cell::Number { shown: words, .. } => words.into_any(),
                            Cell::Link { words, href } => view! { <a href=href>{words}</a> }.into_any(),
                        };
                        if column == 0 {
                            view! { <th scope="row">{content}</th> }.into_any()
                        } else {
                            view! { <td class=class(column)>{content}</td> }.into_any()
                        }
                    })
                    .collect();
                view! { <tr>{cells}</tr> }
            })
            .collect();
        let (caption, label) = (self.caption.clone(), self.caption);
        view! {
            <div class="scroll" tabindex="0" role="group" aria-label=label>
                <table class="table">
                    <caption>{caption}</caption>
                    <thead><tr>{head}</tr></thead>
                    <tbody>{body}</tbody>
                </table>
            </div>
        }
    }
}

/// Quoted where needed. What a spreadsheet would run as a formula becomes text.
#[cfg(feature = "ssr")]
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_every_digit_and_no_formula() {
        let table = Table::new("Numbers", &["Input", "Value", "Decision"]).with([
            vec![Cell::words("a, \"b\""), Cell::number(0.1 + 0.2), Cell::decision("Raise", "0xab")],
            vec![Cell::words("=HYPERLINK(1)"), Cell::number(None), Cell::words("")],
            vec![Cell::words("x"), Cell::signed(f64::NAN), Cell::words("")],
        ]);
        let expected = "Input,Value,Decision\r\n\"a, \"\"b\"\"\",0.30000000000000004,0xab\r\n'=HYPERLINK(1),,\r\nx,,\r\n";
        assert_eq!(table.csv(), expected);
    }
}
