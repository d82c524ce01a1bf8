//! The route table and what every request passes through.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use app::{
    backend::Backend,
    shell::{App, HasBundle, IsDevnet, shell},
};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, FromRef, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use leptos::prelude::*;
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, cors, request_id, services::ServeDir, set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer, trace::TraceLayer,
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use super::{Problem, audit, auth, backend::Pages, decisions, devnet, events, feeds, log_entries, log_tiles, ofrep, plots, render, rest};
use crate::{bridge::Bridge, store::Sessions};

/// What handlers share.
#[derive(Clone, Debug)]
pub struct Web {
    pub bridge: Arc<Bridge>,
    pub options: LeptosOptions,
    pub limits: Arc<Limits>,
    pub http: reqwest::Client,
}

impl FromRef<Web> for LeptosOptions {
    fn from_ref(web: &Web) -> Self {
        web.options.clone()
    }
}

impl FromRef<Web> for Arc<Bridge> {
    fn from_ref(web: &Web) -> Self {
        web.bridge.clone()
    }
}

/// All requests, per address and minute: far above a person, or a dozen engines.
const REQUESTS_A_MINUTE: u32 = 6_000;

/// The minute, and its counts by address and kind of request.
type Window = (u64, std::collections::HashMap<(IpAddr, bool), u32>);

/// Fixed-window counters, one minute long.
#[derive(Debug, Default)]
pub struct Limits {
    window: std::sync::Mutex<Window>,
}

impl Limits {
    /// Counts a request; false when there were too many in this minute.
    fn admit(&self, from: IpAddr, writes: bool, most: u32, minute: u64) -> bool {
        let mut window = self.window.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if window.0 != minute || window.1.len() > 100_000 {
            *window = (minute, Default::default());
        }
        let count = window.1.entry((from, writes)).or_insert(0);
        *count += 1;
        *count <= most
    }
}

/// Where the browser's files are: beside the binary, as `make` puts them, or where `WHEREFORE_SITE` says.
fn site_folder() -> Option<PathBuf> {
    let named = std::env::var_os("WHEREFORE_SITE").map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("site")));
    named.or(beside).filter(|folder| folder.join("frontend_bg.wasm").exists())
}

pub fn router(bridge: Arc<Bridge>) -> Router {
    let site = site_folder();
    if site.is_none() {
        tracing::warn!("the web bundle is not there: pages are readable, but wallets and rechecks in the browser need `make bundle`");
    }
    let options = LeptosOptions::builder()
        .output_name("frontend")
        .site_pkg_dir("pkg")
        .site_root(site.as_ref().map_or_else(String::new, |site| site.display().to_string()))
        .build();
    let web = Web { bridge: bridge.clone(), options: options.clone(), limits: Arc::default(), http: reqwest::Client::new() };
    let pages: Arc<dyn Backend> = Arc::new(Pages(bridge.clone()));
    let (has_bundle, is_devnet) = (HasBundle(site.is_some()), IsDevnet(bridge.config.devnet.is_some()));
    let context = move || {
        provide_context(pages.clone());
        provide_context(has_bundle);
        provide_context(is_devnet);
        if let Some(parts) = use_context::<axum::http::request::Parts>() {
            provide_context(app::backend::CurrentActor(parts.extensions.get::<auth::Actor>().and_then(|actor| actor.0.clone())));
        }
    };

    let secure = bridge.config.public_url.starts_with("https://");
    let sessions = SessionManagerLayer::new(Sessions(bridge.store.clone()))
        .with_name("wherefore")
        .with_same_site(SameSite::Strict)
        .with_http_only(true)
        .with_secure(secure)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(7)));

    let routes = generate_route_list(App);
    let with_people = Router::new()
        .leptos_routes_with_context(&web, routes, context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .route(
            "/api/page/{*function}",
            axum::routing::any({
                let context = context.clone();
                move |request: Request| leptos_axum::handle_server_fns_with_context(context.clone(), request)
            }),
        )
        .route("/auth/nonce", get(auth::nonce))
        .route("/auth/verify", post(auth::verify))
        .route("/auth/logout", post(auth::logout))
        .layer(middleware::from_fn_with_state(web.clone(), auth::find_actor))
        .layer(sessions);

    let public_read = cors::CorsLayer::new()
        .allow_origin(cors::Any)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION, header::IF_NONE_MATCH, HeaderName::from_static("x-api-key")])
        .expose_headers([header::ETAG]);
    let for_machines = Router::new()
        .route("/ofrep/v1/evaluate/flags", post(ofrep::bulk))
        .route("/ofrep/v1/evaluate/flags/{key}", post(ofrep::single))
        .route("/ofrep/v1/events", get(ofrep::events))
        .route("/engines/{engine}/ofrep/v1/evaluate/flags", post(ofrep::bulk_of))
        .route("/engines/{engine}/ofrep/v1/evaluate/flags/{key}", post(ofrep::single_of))
        .route("/flagd/{file}", get(ofrep::flagd))
        .route("/log/checkpoint", get(log_tiles::checkpoint))
        .route("/log/vkey", get(log_tiles::vkey))
        .route("/log/policy", get(log_tiles::policy))
        .route("/log/body/{sha256}", get(log_tiles::body))
        .route("/log/tile/{*path}", get(log_tiles::tile))
        .layer(public_read);

    let mut all = Router::new()
        .merge(for_machines)
        .route("/api/v1/daos", get(rest::daos))
        .route("/api/v1/proposals", get(rest::proposals))
        .route("/api/v1/proposals/{id}", get(rest::proposal))
        .route("/api/v1/parameters", get(rest::parameters))
        .route("/api/v1/engines", get(rest::engines))
        .route("/api/v1/engines/{engine}", get(rest::engine))
        .route("/api/v1/engines/{engine}/observations", get(rest::observations))
        .route("/api/v1/engines/{engine}/reports", post(rest::report))
        .route("/api/v1/decisions", get(decisions::list).post(decisions::decide))
        .route("/api/v1/decisions/{digest}", get(decisions::decision))
        .route("/api/v1/decisions/{digest}/record", get(decisions::record))
        .route("/api/v1/decisions/{digest}/bundle", get(audit::bundle))
        .route("/api/v1/models/{sha256}", get(decisions::model).put(decisions::publish_model))
        .route("/api/v1/backgrounds/{sha256}", get(decisions::background).put(decisions::publish_background))
        .route("/api/v1/agents", get(decisions::agents))
        .route("/api/v1/agents/{slug}/plots/{file}", get(plots::of_agent))
        .route("/api/v1/decisions/{digest}/plots/{file}", get(plots::of_decision))
        .route("/api/v1/agents/{slug}", get(decisions::agent))
        .route("/api/v1/drafts", get(rest::drafts))
        .route("/api/v1/log/entries", get(log_entries::entries))
        .route("/api/v1/log/{index}/proof", get(rest::proof))
        .route("/api/v1/log/statements", post(audit::state))
        .route("/api/v1/log/{file}", get(audit::export))
        .route("/api/v1/log/{index}/body", get(log_entries::body_bytes))
        .route("/api/v1/events", get(events::events))
        .route("/schemas/{*path}", get(rest::schema))
        .route("/feed.atom", get(feeds::atom))
        .route("/feed.json", get(feeds::json))
        .route("/render/{engine}/{file}", get(render::image))
        .route("/engine/{engine}/{*path}", get(render::from_engine))
        .route("/healthz", get(rest::healthz))
        .route("/readyz", get(rest::readyz))
        .route("/assets/{file}", get(render::asset))
        .merge(with_people);
    if bridge.config.devnet.is_some() {
        all = all
            .route("/devnet/rpc", post(devnet::rpc))
            .route("/devnet/accounts", get(devnet::accounts))
            .route("/devnet/skip", post(devnet::skip));
    }
    if let Some(site) = site {
        all = all.nest_service("/pkg", ServeDir::new(site).precompressed_br().precompressed_gzip());
    }
    all.fallback(move |state: State<Web>, request: Request| {
        let context = context.clone();
        async move {
            if request.uri().path().starts_with("/api/") {
                return Problem::not_found(format!("{} {}", request.method(), request.uri().path())).into_response();
            }
            let options = state.options.clone();
            leptos_axum::render_app_async_with_context(context, move || shell(options.clone()))(request).await.into_response()
        }
    })
    .layer(middleware::from_fn(in_words))
    .layer(middleware::from_fn_with_state(web.clone(), guard))
    .layer(DefaultBodyLimit::max(512 * 1024))
    .layer(CatchPanicLayer::new())
    .layer(SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
    .layer(SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, HeaderValue::from_static("same-origin")))
    .layer(SetResponseHeaderLayer::if_not_present(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"),
    ))
    .layer(SetResponseHeaderLayer::if_not_present(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")))
    .layer(CompressionLayer::new())
    .layer(TraceLayer::new_for_http().make_span_with(|request: &Request<Body>| {
        // What people search for is nobody's business: only the path is kept.
        tracing::info_span!("request", method = %request.method(), path = request.uri().path())
    }).on_failure(()))
    .layer(request_id::PropagateRequestIdLayer::x_request_id())
    .layer(request_id::SetRequestIdLayer::x_request_id(request_id::MakeRequestUuid))
    .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(30)))
    .with_state(web)
}

/// A request that no handler could read is refused in the same shape as by a handler.
async fn in_words(request: Request, next: Next) -> Response {
    let for_programs = ["/api/v1/", "/auth/", "/devnet/"].iter().any(|start| request.uri().path().starts_with(start));
    let answer = next.run(request).await;
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !for_programs || !answer.status().is_client_error() || !(kind.is_empty() || kind.starts_with("text/plain")) {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let said = axum::body::to_bytes(body, 4_096).await.unwrap_or_default();
    let detail = if said.is_empty() {
        parts.status.canonical_reason().unwrap_or_default().to_owned()
    } else {
        String::from_utf8_lossy(&said).into_owned()
    };
    let mut problem = Problem::new(parts.status, detail).into_response();
    if let Some(allowed) = parts.headers.get(header::ALLOW) {
        problem.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    problem
}

/// Rate limits by address, and no change from another origin: the session cookie is SameSite=Strict, and the
/// browser's own `Origin` must be ours.
async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let path = request.uri().path();
    let for_engines = path.contains("/ofrep/v1/");
    let from = request.extensions().get::<ConnectInfo<std::net::SocketAddr>>().map(|info| info.0.ip());
    if let Some(from) = from {
        let writes = changes && !for_engines && !path.starts_with("/devnet/rpc");
        let most = if writes { web.bridge.config.writes_a_minute } else { REQUESTS_A_MINUTE };
        if !web.limits.admit(from, writes, most, crate::wall_ms() / 60_000) {
            let mut refused =
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests from this address; wait a minute.").into_response();
            refused.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
            return refused;
        }
    }
    if changes && !for_engines {
        let origin = request.headers().get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        // Programs send no Origin and have no cookie of a person.
        let foreign = origin.is_some_and(|origin| {
            origin != web.bridge.config.public_url && origin.split_once("://").is_none_or(|(_, authority)| authority != host)
        });
        if foreign {
            return Problem::new(StatusCode::FORBIDDEN, "This request came from another site.").into_response();
        }
    }
    next.run(request).await
}
