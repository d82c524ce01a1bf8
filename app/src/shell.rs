//! The document around every page: head, policy, masthead, routes and footer; and what pages share through context.

use leptos::prelude::*;
use leptos_meta::{Meta, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{A, FlatRoutes, Route, Router},
    hooks::use_location,
    path,
};

use crate::{
    AppError, api,
    browser::{ClockControl, Live, WalletBar},
    components::{Copy, Glyph, Icon},
    pages::{
        AgentPage, AgentsPage, DecisionPage, DecisionsPage, DraftPage, DraftsPage, EnginePage, EntryPage, HomePage, LogPage, NewDraftPage,
        NotFoundPage, ParametersPage, ProposalPage, ProposalsPage,
    },
    views::Site,
};

/// Counts what has happened since the page was opened. Resources depend on it, so that they are read again.
#[derive(Clone, Copy, Debug)]
pub struct LiveVersion(pub RwSignal<u64>);

impl LiveVersion {
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

/// What every page knows, read once per version. `Loaded` waits for it and places the plain [`Site`] in context.
#[derive(Clone, Copy, Debug)]
pub struct SiteResource(pub Resource<Result<Site, AppError>>);

/// Seconds of the reader's clock since the site was last read; 0 on the server and in the first view of the browser.
#[derive(Clone, Copy, Debug)]
pub struct Elapsed(pub RwSignal<f64>);

/// Whether the server has the WASM bundle; without it pages are complete but do not wake.
#[derive(Clone, Copy, Debug)]
pub struct HasBundle(pub bool);

/// Whether the chain is the local devnet, which alone has a demo wallet.
#[derive(Clone, Copy, Debug)]
pub struct IsDevnet(pub bool);

/// The version signal, for a page's resources.
pub fn live() -> LiveVersion {
    expect_context()
}

/// Applies a reader's chosen theme before anything is painted.
#[cfg(feature = "ssr")]
const THEME: &str =
    r#"try{const t=localStorage.getItem("theme");if(t==="light"||t==="dark")document.documentElement.dataset.theme=t}catch{}"#;

/// The HTML document. The server provides [`HasBundle`] and [`IsDevnet`] in context.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use leptos::nonce::use_nonce;
    use leptos_meta::MetaTags;

    set_policy();
    let nonce = use_nonce();
    let bundled = use_context::<HasBundle>().is_some_and(|bundle| bundle.0);
    let devnet = use_context::<IsDevnet>().is_some_and(|devnet| devnet.0);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f6f1e6"/>
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#10171b"/>
                <script nonce=nonce.clone() inner_html=THEME></script>
                <link rel="stylesheet" href="/assets/app.css"/>
                <link rel="icon" type="image/svg+xml" href="/assets/favicon.svg"/>
                <link rel="manifest" href="/assets/manifest.webmanifest"/>
                <link rel="alternate" type="application/atom+xml" title="What is decided" href="/feed.atom"/>
                <link rel="alternate" type="application/feed+json" title="What is decided" href="/feed.json"/>
                {devnet.then(|| view! { <script src="/assets/demo-wallet.js" nonce=nonce defer></script> })}
                {bundled.then(|| view! { <HydrationScripts options/> })}
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Nothing but our own files, and scripts only by this response's nonce.
#[cfg(feature = "ssr")]
fn set_policy() {
    let (Some(response), Some(nonce)) = (use_context::<leptos_axum::ResponseOptions>(), leptos::nonce::use_nonce()) else {
        return;
    };
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' data:; connect-src 'self'; worker-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    if let Ok(policy) = http::HeaderValue::from_str(&policy) {
        response.insert_header(http::header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Masthead, routes and footer. Hydrated as a whole.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let version = RwSignal::new(0);
    provide_context(LiveVersion(version));
    let elapsed = RwSignal::new(0.0);
    provide_context(Elapsed(elapsed));
    let site = Resource::new(move || version.get(), |_| api::site());
    provide_context(SiteResource(site));
    wake(site, elapsed);

    view! {
        <Title formatter=|title: String| if title.is_empty() { "Wherefore".to_owned() } else { format!("{title} · Wherefore") }/>
        <Meta name="description" content="What a collective decides about its engine, why, and what came of it."/>
        <Router>
            <a class="skip-link" href="#main" rel="external">"Skip to the page"</a>
            <Live/>
            <Masthead site/>
            <main class="page" id="main" tabindex="-1">
                <FlatRoutes fallback=NotFoundPage>
                    <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                    <Route path=path!("/proposals") view=ProposalsPage ssr=SsrMode::Async/>
                    <Route path=path!("/proposals/:id") view=ProposalPage ssr=SsrMode::Async/>
                    <Route path=path!("/parameters") view=ParametersPage ssr=SsrMode::Async/>
                    <Route path=path!("/parameters/:engine") view=EnginePage ssr=SsrMode::Async/>
                    <Route path=path!("/drafts") view=DraftsPage ssr=SsrMode::Async/>
                    <Route path=path!("/drafts/new") view=NewDraftPage ssr=SsrMode::Async/>
                    <Route path=path!("/drafts/:id") view=DraftPage ssr=SsrMode::Async/>
                    <Route path=path!("/decisions") view=DecisionsPage ssr=SsrMode::Async/>
                    <Route path=path!("/decisions/:digest") view=DecisionPage ssr=SsrMode::Async/>
                    <Route path=path!("/agents") view=AgentsPage ssr=SsrMode::Async/>
                    <Route path=path!("/agents/:slug") view=AgentPage ssr=SsrMode::Async/>
                    <Route path=path!("/log") view=LogPage ssr=SsrMode::Async/>
                    <Route path=path!("/log/:index") view=EntryPage ssr=SsrMode::Async/>
                </FlatRoutes>
            </main>
            <Colophon site/>
            <FocusOnArrival/>
        </Router>
    }
}

#[component]
fn Masthead(site: Resource<Result<Site, AppError>>) -> impl IntoView {
    let links = [
        ("/proposals", "Proposals"),
        ("/parameters", "Parameters"),
        ("/decisions", "Decisions"),
        ("/agents", "Agents"),
        ("/drafts", "Drafts"),
        ("/log", "Log"),
    ];
    let links: Vec<_> = links.into_iter().map(|(href, word)| view! { <li><A href=href>{word}</A></li> }).collect();
    view! {
        <Transition>
            {move || Suspend::new(async move {
                site.await.ok().filter(|site| !site.warnings.is_empty()).map(|site| {
                    let lines: Vec<_> = site.warnings.into_iter().map(|warning| view! { <p>{warning}</p> }).collect();
                    view! { <div class="warning-strip" role="status">{lines}</div> }
                })
            })}
        </Transition>
        <header class="masthead">
            <a class="wordmark" href="/">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <circle cx="21.5" cy="9" r="3.600" fill="currentColor"/>
                    <g fill="none" stroke="currentColor" stroke-width="2.200" stroke-linecap="round">
                        <path d="M4 17c4-3.600 8-3.600 12 0s8 3.600 12 0"/>
                        <path d="M4 24.500c4-3.600 8-3.600 12 0s8 3.600 12 0"/>
                    </g>
                </svg>
                <span>"Wherefore"</span>
                <Transition>
                    {move || Suspend::new(async move {
                        site.await.ok().map(|site| view! { <span class="wordmark-dao">{site.dao.name}</span> })
                    })}
                </Transition>
            </a>
            <div class="masthead-tools">
                <WalletBar/>
                <ThemeSwitch/>
            </div>
            <nav aria-label="Main">
                <ul>{links}</ul>
            </nav>
        </header>
    }
}

/// Turns the page from light to dark and back, and remembers it.
#[component]
fn ThemeSwitch() -> impl IntoView {
    let dark = RwSignal::new(false);
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| dark.set(page::is_dark()));
    let turn = move |_| {
        dark.update(|dark| *dark = !*dark);
        #[cfg(feature = "hydrate")]
        page::choose(dark.get_untracked());
    };
    view! {
        <button class="button button-icon needs-js" type="button" aria-pressed=move || dark.get().to_string() on:click=turn>
            <Show when=move || dark.get() fallback=|| view! { <Icon glyph=Glyph::Moon/> }>
                <Icon glyph=Glyph::Sun/>
            </Show>
            <span class="visually-hidden">"Dark theme"</span>
        </button>
    }
}

#[component]
fn Colophon(site: Resource<Result<Site, AppError>>) -> impl IntoView {
    let told = RwSignal::new(String::new());
    view! {
        <footer class="colophon">
            <div class="colophon-inner">
                <Transition>
                    {move || Suspend::new(async move {
                        site.await.ok().map(|site| {
                            let block = site.block;
                            let at = site.chain_time;
                            view! {
                                <p>
                                    {format!("{}, block {block}, ", site.dao.chain_name)}
                                    <time datetime=crate::components::iso(at)>{crate::components::date_time(at)}</time>
                                </p>
                                {site.devnet.map(|devnet| view! {
                                    <p>"Devnet at "<code>{devnet.rpc.clone()}</code><Copy value=devnet.rpc/></p>
                                    <ClockControl told/>
                                })}
                            }
                        })
                    })}
                </Transition>
                <nav aria-label="For machines">
                    <ul>
                        <li><a href="/feed.atom" rel="external">"Atom feed"</a></li>
                        <li><a href="/api/v1/proposals" rel="external">"API"</a></li>
                        <li><a href="/log/checkpoint" rel="external">"Log checkpoint"</a></li>
                    </ul>
                </nav>
            </div>
        </footer>
    }
}

/// After a step to another page inside the browser, reading continues at that page and not at the link.
#[component]
fn FocusOnArrival() -> impl IntoView {
    let location = use_location();
    Effect::new(move |before: Option<String>| {
        let path = location.pathname.get();
        #[cfg(feature = "hydrate")]
        if before.as_ref().is_some_and(|before| *before != path) {
            page::focus_main();
        }
        let _ = before;
        path
    });
}

/// Marks the document as awake and lets the chain's clock run on.
#[cfg(feature = "hydrate")]
fn wake(site: Resource<Result<Site, AppError>>, elapsed: RwSignal<f64>) {
    use std::time::Duration;

    let started = StoredValue::new(0.0_f64);
    Effect::new(move |before: Option<u64>| {
        let read_at = site.map(|site| site.as_ref().map_or(0, |site| site.chain_time)).unwrap_or_default();
        if before.is_some_and(|before| before != read_at) {
            started.set_value(page::seconds());
            elapsed.set(0.0);
        }
        read_at
    });
    Effect::new(move |_| {
        page::mark_hydrated();
        set_interval(move || elapsed.set((page::seconds() - started.get_value()).max(0.0)), Duration::from_secs(1));
    });
}

#[cfg(not(feature = "hydrate"))]
fn wake(_site: Resource<Result<Site, AppError>>, _elapsed: RwSignal<f64>) {}

/// The few things the document itself is asked for.
#[cfg(feature = "hydrate")]
mod page {
    use leptos::prelude::{document, window};
    use wasm_bindgen::JsCast;
    use web_sys::HtmlElement;

    fn root() -> Option<HtmlElement> {
        document().document_element()?.dyn_into().ok()
    }

    pub fn mark_hydrated() {
        if let Some(root) = root() {
            let _ = root.dataset().set("hydrated", "true");
        }
    }

    /// Seconds since the page was asked for, by a clock that nobody sets.
    pub fn seconds() -> f64 {
        window().performance().map_or(0.0, |clock| clock.now() / 1000.0)
    }

    pub fn is_dark() -> bool {
        match root().and_then(|root| root.dataset().get("theme")) {
            Some(chosen) => chosen == "dark",
            None => window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches()),
        }
    }

    pub fn choose(dark: bool) {
        let name = if dark { "dark" } else { "light" };
        if let Some(root) = root() {
            let _ = root.dataset().set("theme", name);
        }
        if let Ok(Some(storage)) = window().local_storage() {
            let _ = storage.set_item("theme", name);
        }
    }

    pub fn focus_main() {
        if let Some(main) = document().get_element_by_id("main").and_then(|main| main.dyn_into::<HtmlElement>().ok()) {
            let _ = main.focus();
        }
    }
}
