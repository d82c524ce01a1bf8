//! Small drawings that stand beside words, never instead of them.

use leptos::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    Check,
    Cross,
    Dash,
    Dot,
    Ring,
    Hourglass,
    Seal,
    Arrow,
    Sun,
    Moon,
    Copy,
}

#[component]
pub fn Icon(glyph: Glyph, #[prop(default = "icon")] class: &'static str) -> impl IntoView {
    let (fill, path) = match glyph {
        Glyph::Check => (false, "M3 8.6l3.2 3.2L13 4.6"),
        Glyph::Cross => (false, "M4 4l8 8M12 4l-8 8"),
        Glyph::Dash => (false, "M3 8h10"),
        Glyph::Dot => (true, "M8 3a5 5 0 100 10A5 5 0 008 3z"),
        Glyph::Ring => (false, "M8 3a5 5 0 100 10A5 5 0 008 3z"),
        Glyph::Hourglass => (false, "M4 2.500h8M4 13.500h8M5 2.500c0 3.500 6 7.500 6 11M11 2.500c0 3.500-6 7.500-6 11"),
        Glyph::Seal => (
            true,
            "M8 1l2 1.700 2.600-.2.700 2.500 2.100 1.500L14.500 9l.2 2.600-2.500.7-1.500 2.100L8 13.500l-2.700.9-1.500-2.100-2.500-.7L1.500 9 .600 6.500l2.100-1.500.7-2.500 2.600.2z",
        ),
        Glyph::Arrow => (false, "M1 8h13M10 3.500L14.500 8 10 12.500"),
        Glyph::Sun => (
            false,
            "M8 5a3 3 0 100 6 3 3 0 000-6zM8 .800v1.700M8 13.500v1.700M.800 8h1.700M13.500 8h1.700M2.900 2.900l1.200 1.200M11.900 11.900l1.200 1.200M13.100 2.900l-1.200 1.200M4.100 11.900l-1.200 1.200",
        ),
        Glyph::Moon => (false, "M13.500 9.600A6 6 0 116.400 2.500a4.800 4.800 0 007.100 7.100z"),
        Glyph::Copy => (false, "M5.500 5.500h8v8h-8zM10.500 5.500v-3h-8v8h3"),
    };
    view! {
        <svg class=class viewBox="0 0 16 16" aria-hidden="true" focusable="false">
            <path
                d=path
                fill=if fill { "currentColor" } else { "none" }
                stroke=if fill { "none" } else { "currentColor" }
                stroke-width="2"
                stroke-linecap="round"
                stroke-linejoin="round"
            />
        </svg>
    }
}
