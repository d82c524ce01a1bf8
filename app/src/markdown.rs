//! Markdown written by strangers, made safe to show.
//!
//! Raw HTML becomes text, links keep only schemes that cannot run anything, pictures become links (nothing is loaded
//! from elsewhere), headings sink below the page's own, and size and nesting are bounded. What remains is escaped by
//! the Markdown writer; no other sanitiser is relied on.

use pulldown_cmark::{Alignment, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// Longest text that is rendered, in bytes; the rest is cut off and said to be.
pub const LONGEST: usize = 64 * 1024;

/// Elements inside elements beyond this are flattened into their text.
const DEEPEST: usize = 24;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub html: String,
    /// True when the text was longer than [`LONGEST`].
    pub cut: bool,
}

/// Renders untrusted Markdown.
pub fn render(text: &str) -> Rendered {
    let shown = &text[..text.floor_char_boundary(LONGEST)];
    let mut filter = Filter::default();
    let mut events = Vec::new();
    for event in Parser::new_ext(shown, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        filter.pass(event, &mut events);
    }
    let mut out = String::with_capacity(shown.len() * 3 / 2);
    html::push_html(&mut out, events.into_iter());
    Rendered { html: out, cut: shown.len() < text.len() }
}

/// What a start tag became, remembered until its end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    AsIs,
    Anchor,
    /// Its content stays, the element does not.
    Flattened,
}

#[derive(Default)]
struct Filter {
    open: Vec<Kept>,
    anchors: usize,
}

impl Filter {
    fn pass<'a>(&mut self, event: Event<'a>, out: &mut Vec<Event<'a>>) {
        match event {
            Event::Start(tag) => {
                let kept = self.start(tag, out);
                self.open.push(kept);
            }
            Event::End(end) => match self.open.pop() {
                Some(Kept::AsIs) => out.push(Event::End(lowered_end(end))),
                Some(Kept::Anchor) => {
                    self.anchors -= 1;
                    out.push(Event::InlineHtml(CowStr::Borrowed("</a>")));
                }
                Some(Kept::Flattened) | None => {}
            },
            Event::Html(raw) | Event::InlineHtml(raw) => out.push(Event::Text(raw)),
            Event::Text(_) | Event::Code(_) | Event::SoftBreak | Event::HardBreak | Event::Rule => out.push(event),
            // Extensions that are not switched on.
            _ => {}
        }
    }

    fn start<'a>(&mut self, tag: Tag<'a>, out: &mut Vec<Event<'a>>) -> Kept {
        if self.open.len() >= DEEPEST {
            return Kept::Flattened;
        }
        match tag {
            Tag::Link { link_type, dest_url, .. } => {
                let address = if link_type == LinkType::Email { format!("mailto:{dest_url}") } else { dest_url.to_string() };
                self.anchor(&address, out)
            }
            Tag::Image { dest_url, .. } => {
                let kept = self.anchor(&dest_url, out);
                out.push(Event::Text(CowStr::Borrowed("Picture: ")));
                kept
            }
            Tag::Heading { level, .. } => {
                out.push(Event::Start(Tag::Heading { level: lowered(level), id: None, classes: Vec::new(), attrs: Vec::new() }));
                Kept::AsIs
            }
            // A column's alignment would be written as an inline style, which the page's policy refuses.
            Tag::Table(columns) => {
                out.push(Event::Start(Tag::Table(vec![Alignment::None; columns.len()])));
                Kept::AsIs
            }
            Tag::HtmlBlock => {
                out.push(Event::Start(Tag::Paragraph));
                Kept::AsIs
            }
            Tag::Paragraph
            | Tag::BlockQuote(_)
            | Tag::CodeBlock(_)
            | Tag::List(_)
            | Tag::Item
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough => {
                out.push(Event::Start(tag));
                Kept::AsIs
            }
            _ => Kept::Flattened,
        }
    }

    /// Opens a link, unless its address is not safe or another link is already open.
    fn anchor(&mut self, address: &str, out: &mut Vec<Event<'_>>) -> Kept {
        if self.anchors > 0 || !is_safe(address) {
            return Kept::Flattened;
        }
        self.anchors += 1;
        let mut open = String::from("<a href=\"");
        push_escaped(&mut open, address);
        open.push_str("\" rel=\"nofollow noopener ugc\">");
        out.push(Event::InlineHtml(CowStr::from(open)));
        Kept::Anchor
    }
}

/// Below the page's h1 and the section's h2.
fn lowered(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H3,
        HeadingLevel::H2 => HeadingLevel::H4,
        HeadingLevel::H3 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

fn lowered_end(end: TagEnd) -> TagEnd {
    match end {
        TagEnd::Heading(level) => TagEnd::Heading(lowered(level)),
        TagEnd::HtmlBlock => TagEnd::Paragraph,
        other => other,
    }
}

/// http, https, mailto, or an address without a scheme. Browsers skip control characters when they look for a scheme,
/// so an address that has any is refused.
fn is_safe(address: &str) -> bool {
    if address.chars().any(char::is_control) {
        return false;
    }
    let address = address.trim();
    match address.find([':', '/', '?', '#']) {
        Some(end) if address[end..].starts_with(':') => {
            ["http", "https", "mailto"].iter().any(|scheme| address[..end].eq_ignore_ascii_case(scheme))
        }
        _ => true,
    }
}

fn push_escaped(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn html(text: &str) -> String {
        render(text).html
    }

    /// Every tag in the output that is not one the writer is expected to make.
    fn unexpected_tags(html: &str) -> Vec<&str> {
        const EXPECTED: [&str; 26] = [
            "p",
            "a",
            "h3",
            "h4",
            "h5",
            "h6",
            "ul",
            "ol",
            "li",
            "em",
            "strong",
            "del",
            "code",
            "pre",
            "blockquote",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
            "hr",
            "br",
            "div",
            "span",
            "ol",
        ];
        html.split('<')
            .skip(1)
            .map(|tag| tag.trim_start_matches('/').split([' ', '>', '\n', '/']).next().unwrap_or_default())
            .filter(|name| !EXPECTED.contains(name))
            .collect()
    }

    #[test]
    fn raw_html_is_shown_as_text() {
        for text in [
            "<script>alert(1)</script>",
            "before <script>alert(1)</script> after",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "<div>\n\n<iframe src=//evil></iframe>\n\n</div>",
            "<!-- <script> -->",
            "<style>*{display:none}</style>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "- <object data=x>\n- <embed src=x>",
            "> <form action=//evil><input name=q>",
            "| a |\n|---|\n| <base href=//evil> |",
        ] {
            let rendered = html(text);
            assert_eq!(unexpected_tags(&rendered), Vec::<&str>::new(), "{text} became {rendered}");
            assert!(!rendered.contains("<a href"), "{text} became {rendered}");
        }
        assert!(html("<script>alert(1)</script>").contains("&lt;script&gt;"));
    }

    #[test]
    fn links_that_could_run_something_lose_their_address() {
        for address in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "&#106;avascript:alert(1)",
            "&#x6A;avascript&colon;alert(1)",
            "javascript&#58;alert(1)",
            "java&Tab;script:alert(1)",
            "java&NewLine;script:alert(1)",
            "&#1;javascript:alert(1)",
            "data:text/html;base64,PHNjcmlwdD4=",
            "DATA:text/html,x",
            "vbscript:msgbox(1)",
            "file:///etc/passwd",
            "blob:https://evil/1",
            "java\u{200b}script:alert(1)",
        ] {
            for text in [format!("[press]({address})"), format!("[press][r]\n\n[r]: {address}"), format!("![press]({address})")] {
                let rendered = html(&text);
                assert!(!rendered.contains("href"), "{text} became {rendered}");
                assert!(rendered.contains("press"), "{text} became {rendered}");
            }
        }
        assert!(!html("<javascript:alert(1)>").contains("href"));
    }

    #[test]
    fn ordinary_links_stay_and_say_that_they_are_not_ours() {
        for (text, address) in [
            ("[a](https://example.org/?q=1&r=2)", "https://example.org/?q=1&amp;r=2"),
            ("[a](HTTP://example.org)", "HTTP://example.org"),
            ("<mailto:ines@example.org>", "mailto:ines@example.org"),
            ("<ines@example.org>", "mailto:ines@example.org"),
            ("[a](/proposals/1)", "/proposals/1"),
            ("[a](#votes)", "#votes"),
            ("[a](page?x=a:b)", "page?x=a:b"),
        ] {
            let rendered = html(text);
            assert!(rendered.contains(&format!("<a href=\"{address}\" rel=\"nofollow noopener ugc\">")), "{text} became {rendered}");
        }
    }

    #[test]
    fn an_address_cannot_leave_its_attribute() {
        let rendered = html("[a](<https://example.org/\" onmouseover=\"alert(1)>)");
        assert!(!rendered.contains("\" onmouseover"), "{rendered}");
        let rendered = html("[a](https://example.org 'title\" onclick=\"alert(1)')");
        assert!(!rendered.contains("onclick"), "{rendered}");
    }

    #[test]
    fn pictures_become_links_with_their_words() {
        let rendered = html("![a heron](https://example.org/heron.png \"t\")");
        assert!(
            rendered.contains("<a href=\"https://example.org/heron.png\" rel=\"nofollow noopener ugc\">Picture: a heron</a>"),
            "{rendered}"
        );
        assert!(!rendered.contains("<img"));
        let nested = html("[![a heron](https://example.org/heron.png)](https://example.org)");
        assert_eq!(nested.matches("<a ").count(), 1, "{nested}");
        assert_eq!(nested.matches("</a>").count(), 1, "{nested}");
    }

    #[test]
    fn headings_sink_below_the_pages_own() {
        assert_eq!(html("# One\n\n## Two\n\n###### Six"), "<h3>One</h3>\n<h4>Two</h4>\n<h6>Six</h6>\n");
    }

    #[test]
    fn tables_and_strikethrough_are_drawn_without_inline_styles() {
        let rendered = html("| a | b |\n|:-:|--:|\n| ~~1~~ | 2 |");
        assert!(rendered.contains("<del>1</del>") && rendered.contains("<td>"), "{rendered}");
        assert!(!rendered.contains("style"), "{rendered}");
    }

    #[test]
    fn a_code_blocks_language_cannot_leave_its_attribute() {
        let rendered = html("```\"><script>alert(1)</script>\nx\n```");
        assert_eq!(unexpected_tags(&rendered), Vec::<&str>::new(), "{rendered}");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = "é".repeat(LONGEST);
        let rendered = render(&text);
        assert!(rendered.cut);
        assert!(rendered.html.len() <= LONGEST + 16);
        assert!(!render("short").cut);
        let odd = format!("a{text}");
        assert!(render(&odd).cut);
    }

    #[test]
    fn hostile_nesting_is_quick_and_shallow() {
        for pattern in ["[", "![", "[[]", "> ", "- ", "*a ", "**a _b ", "<a ", "`", "](", "[a](", "<!--", "|-", "\\[", "&#"] {
            let text = pattern.repeat(2 * 1024 * 1024 / pattern.len());
            let started = Instant::now();
            let rendered = render(&text);
            assert!(started.elapsed() < Duration::from_secs(5), "{pattern:?} took {:?}", started.elapsed());
            assert!(rendered.cut);
            let (mut depth, mut deepest) = (0_i32, 0_i32);
            for tag in rendered.html.split('<').skip(1) {
                match tag.as_bytes().first() {
                    Some(b'/') => depth -= 1,
                    Some(_) if !tag.starts_with("br") && !tag.starts_with("hr") => depth += 1,
                    _ => {}
                }
                deepest = deepest.max(depth);
            }
            assert!(deepest <= 2 * DEEPEST as i32, "{pattern:?} nests {deepest} deep");
        }
    }
}
