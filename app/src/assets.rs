//! Files that pages ask for by name. The server serves them under `/assets/`; nothing is loaded from elsewhere.

/// The whole stylesheet.
pub const STYLE: &str = concat!(
    include_str!("../style/main.css"),
    include_str!("../style/parts.css"),
    include_str!("../style/pages.css"),
    include_str!("../style/desk.css"),
    include_str!("../style/plots.css"),
    include_str!("../style/marks.css"),
);

pub const FAVICON: &str = include_str!("../public/favicon.svg");
pub const MANIFEST: &str = include_str!("../public/manifest.webmanifest");
pub const EXPLAINER: &str = include_str!("../public/explainer.js");
pub const DEMO_WALLET: &str = include_str!("../public/demo-wallet.js");

/// Name under `/assets/`, content type and content of every file.
pub const ALL: [(&str, &str, &str); 5] = [
    ("app.css", "text/css; charset=utf-8", STYLE),
    ("favicon.svg", "image/svg+xml", FAVICON),
    ("manifest.webmanifest", "application/manifest+json", MANIFEST),
    ("explainer.js", "text/javascript; charset=utf-8", EXPLAINER),
    ("demo-wallet.js", "text/javascript; charset=utf-8", DEMO_WALLET),
];
