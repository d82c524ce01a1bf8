//! A headless Chromium with its own driver, used as a person uses one: by what is seen, clicked and typed.
//!
//! Live updates may draw an element anew between finding and using it, so every step is tried again until it succeeds
//! or [`PATIENCE`] is over. Everything that goes wrong in a page is in the browser's log, which tests ask for at the end.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use thirtyfour::prelude::*;

use crate::{PATIENCE, until, world::children};

const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--lang=en-GB",
];
const DESKTOP: (u32, u32) = (1280, 900);
/// What WCAG 2.2 AA asks for, as far as a program can check it.
const RULES: [&str; 5] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const AXE: &str = "clients/node_modules/axe-core/axe.min.js";

#[derive(Debug)]
pub struct Browser {
    pub driver: WebDriver,
    base: String,
    process: Child,
    /// Chromium's profile.
    _profile: TempDir,
}

impl Browser {
    pub async fn open(base: &str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|held| held.local_addr()).expect("a free port").port();
        let process = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is installed: `make browser`");
        let profile = tempfile::Builder::new().prefix("wherefore-browser-").tempdir().expect("a folder for the browser");
        let url = format!("http://127.0.0.1:{port}");
        until("chromedriver", async || tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()).await;
        let mut wanted = DesiredCapabilities::chrome();
        for flag in FLAGS {
            wanted.add_arg(flag).expect("a flag");
        }
        wanted.add_arg(&format!("--window-size={},{}", DESKTOP.0, DESKTOP.1)).expect("a flag");
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).expect("a flag");
        wanted.set("goog:loggingPrefs", json!({"browser": "ALL", "performance": "ALL"})).expect("logging");
        let driver = WebDriver::new(&url, wanted).await.expect("Chromium starts");
        let browser = Self { driver, base: base.to_owned(), process, _profile: profile };
        browser.is_wide(DESKTOP.0, DESKTOP.1).await;
        browser
    }

    /// Makes the page this wide, whatever the window around it takes.
    pub async fn is_wide(&self, width: u32, height: u32) {
        self.cdp(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
        )
        .await;
    }

    pub async fn prefers(&self, scheme: &str) {
        self.cdp(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}]}),
        )
        .await;
    }

    /// Runs a script before anything else on every page from now on.
    pub async fn before_every_page(&self, script: &str) {
        self.cdp("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    async fn cdp(&self, method: &str, params: Json) {
        self.driver.cdp().send_raw(method, params).await.unwrap_or_else(|error| panic!("{method} was refused: {error}"));
    }

    /// Opens a page and waits until it is awake.
    pub async fn visit(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap_or_else(|error| panic!("{path} cannot be opened: {error}"));
        self.is_awake().await;
    }

    pub async fn reload(&self) {
        self.driver.refresh().await.expect("the page loads again");
        self.is_awake().await;
    }

    pub async fn goes_back(&self) {
        self.driver.back().await.expect("there was a page before");
        self.is_awake().await;
    }

    pub async fn is_awake(&self) {
        self.find("html[data-hydrated=true]").await;
    }

    pub async fn path(&self) -> String {
        self.driver.current_url().await.expect("an address").path().to_owned()
    }

    pub async fn is_titled(&self, title: &str) {
        if self.within_patience(async || self.driver.title().await.ok().filter(|shown| shown == title)).await.is_none() {
            self.fail(&format!("the page is not titled “{title}”")).await;
        }
    }

    async fn text_of(&self, css: &str) -> Option<String> {
        let script = "const found = document.querySelector(arguments[0]); return found && found.innerText";
        self.driver.execute(script, vec![json!(css)]).await.ok()?.json().as_str().map(str::to_owned)
    }

    /// The element, once it is there and can be seen.
    pub async fn find(&self, css: &str) -> WebElement {
        let found = self.within_patience(async || {
            let element = self.driver.find(By::Css(css)).await.ok()?;
            (css.starts_with("html") || element.is_displayed().await.ok()?).then_some(element)
        });
        match found.await {
            Some(element) => element,
            None => self.fail(&format!("{css} is not to be seen")).await,
        }
    }

    /// Whether the page has such an element, seen or not.
    pub async fn has(&self, css: &str) -> bool {
        self.driver.find(By::Css(css)).await.is_ok()
    }

    pub async fn shows(&self, css: &str) -> bool {
        match self.driver.find(By::Css(css)).await {
            Ok(element) => element.is_displayed().await.unwrap_or(false),
            Err(_) => false,
        }
    }

    /// Waits until something is gone or hidden.
    pub async fn no_longer_shows(&self, css: &str) {
        if self.within_patience(async || (!self.shows(css).await).then_some(())).await.is_none() {
            self.fail(&format!("{css} is still there")).await;
        }
    }

    pub async fn click(&self, css: &str) {
        let clicked = self.within_patience(async || {
            let element = self.driver.find(By::Css(css)).await.ok()?;
            if !element.is_enabled().await.ok()? {
                return None;
            }
            element.click().await.ok()
        });
        if clicked.await.is_none() {
            self.fail(&format!("{css} cannot be clicked")).await;
        }
    }

    /// Replaces what a field holds by typing.
    pub async fn types(&self, css: &str, text: &str) {
        let typed = self.within_patience(async || {
            let element = self.driver.find(By::Css(css)).await.ok()?;
            element.click().await.ok()?;
            element.send_keys(Key::Control + "a").await.ok()?;
            element.send_keys(text).await.ok()?;
            (element.prop("value").await.ok()?.as_deref() == Some(text)).then_some(())
        });
        if typed.await.is_none() {
            self.fail(&format!("“{text}” cannot be typed into {css}")).await;
        }
    }

    pub async fn chooses(&self, css: &str, option: &str) {
        self.find(css).await;
        self.click(&format!("{css} option[value=\"{option}\"]")).await;
    }

    /// Waits until the page says this, anywhere a reader can see it.
    pub async fn sees(&self, text: &str) {
        self.sees_in("body", text).await;
    }

    pub async fn sees_in(&self, css: &str, text: &str) {
        let wanted = plain(text);
        if self.within_patience(async || self.text_of(css).await.filter(|shown| plain(shown).contains(&wanted)).map(drop)).await.is_none() {
            let shown = self.text_of(css).await.unwrap_or_default();
            self.fail(&format!("“{text}” is not to be read in {css}, which says:\n{shown}")).await;
        }
    }

    pub async fn reads(&self, css: &str) -> String {
        self.find(css).await;
        self.text_of(css).await.unwrap_or_default()
    }

    async fn within_patience<T>(&self, mut attempt: impl AsyncFnMut() -> Option<T>) -> Option<T> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(done) = attempt().await {
                return Some(done);
            }
            if tokio::time::Instant::now() > deadline {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
    }

    /// Fails with a picture of the page and what the browser complained about.
    async fn fail(&self, why: &str) -> ! {
        let picture = screenshots().join("failed.png");
        let _drawn = self.driver.screenshot(&picture).await;
        let troubles = self.troubles().await.join("\n");
        panic!("{why}\nat {} (see {})\nthe browser's log: {troubles}", self.path().await, picture.display());
    }

    /// Fails where the page breaks a rule of WCAG 2.2 AA that a program can check.
    pub async fn is_accessible(&self) {
        let axe = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(AXE)).expect("axe is installed: `make browser`");
        let script = r#"
            const [axe, rules, done] = [arguments[0], arguments[1], arguments[arguments.length - 1]];
            if (!window.axe) (0, eval)(axe);
            window.axe.run(document, { runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] }).then(
                ({ violations }) => done(violations.map(({ id, help, nodes }) => `${id}: ${help}\n` + nodes.map((node) => `    ${node.html}\n    ${node.failureSummary}`).join("\n"))),
                (error) => done([String(error)]),
            );"#;
        // The page's policy forbids `eval`, so axe is run as the driver's own script first.
        if self.driver.execute("return !window.axe", vec![]).await.is_ok_and(|answer| answer.json() == &json!(true)) {
            self.driver.execute(format!("{axe}\nwindow.axe = axe;"), vec![]).await.expect("axe runs");
        }
        let found = self.driver.execute_async(script, vec![Json::Null, json!(RULES)]).await.expect("axe answers");
        let violations: Vec<String> = found.convert().expect("a list of violations");
        assert!(violations.is_empty(), "{} is not accessible to all:\n{}", self.path().await, violations.join("\n"));
    }

    /// Whether nothing has to be scrolled for sideways. A phone zooms out for what is too wide, so that its window grows with
    /// it; the page's own box does not.
    pub async fn fits_its_width(&self) -> bool {
        let answer =
            self.driver.execute("return document.documentElement.scrollWidth <= document.documentElement.clientWidth", vec![]).await;
        answer.is_ok_and(|answer| answer.json() == &json!(true))
    }

    /// What went wrong in the pages since this was last asked: errors, refused requests, broken policies.
    pub async fn troubles(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.unwrap_or_default();
        entries.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect()
    }

    pub async fn is_without_trouble(&self) {
        let troubles = self.troubles().await;
        assert!(troubles.is_empty(), "the browser's log has errors:\n{}", troubles.join("\n"));
    }

    /// Addresses outside this site that pages asked for since this was last asked.
    pub async fn asked_elsewhere(&self) -> Vec<String> {
        let entries = self.driver.get_log("performance").await.expect("the browser's requests");
        let requests = entries.iter().filter_map(|entry| {
            let event = serde_json::from_str::<Json>(&entry.message).ok()?["message"].clone();
            (event["method"] == "Network.requestWillBeSent").then(|| event["params"]["request"]["url"].as_str().map(str::to_owned))?
        });
        requests.filter(|url| url.starts_with("http") && !url.starts_with(&self.base)).collect()
    }

    /// Keeps a picture of what is seen; for the README when `WHEREFORE_UPDATE_SCREENSHOTS` is set.
    pub async fn keeps_picture(&self, name: &str) {
        let update = std::env::var_os("WHEREFORE_UPDATE_SCREENSHOTS").is_some_and(|value| value == "1");
        let folder = if update { PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("screenshots") } else { screenshots() };
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.expect("a picture of the page");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The session is not asked to end in order: nothing of it is kept.
        let _not_asked = self.driver.clone().leak();
        let ours = children(self.process.id()).into_iter().chain([self.process.id()]).map(|id| id.to_string());
        let _ended = Command::new("kill").arg("-KILL").args(ours).status();
        let _reaped = self.process.wait();
    }
}

/// Text as it is read: case and spacing are matters of style.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// Where pictures are kept: `WHEREFORE_SCREENSHOTS`, or beside the tests' own folder.
fn screenshots() -> PathBuf {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.parent()?.parent()?.join("screenshots"));
    let folder = std::env::var_os("WHEREFORE_SCREENSHOTS").map(PathBuf::from).or_else(beside).unwrap_or_else(std::env::temp_dir);
    let _there = std::fs::create_dir_all(&folder);
    folder
}
