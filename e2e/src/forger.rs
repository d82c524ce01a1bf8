//! A forger between a reader and the bridge: passes everything on, and changes one kind of answer on the way.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::World;

type Forge = dyn Fn(Vec<u8>) -> Vec<u8> + Send + Sync;

#[derive(Clone)]
struct Passage {
    bridge: String,
    /// Answers to paths that begin so are changed.
    path: String,
    forge: Arc<Forge>,
    http: reqwest::Client,
}

/// Stands before a world's bridge and changes every answer whose path begins with `path`; returns where it listens.
pub async fn before(world: &World, path: &str, forge: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> String {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("an HTTP client");
    let passage = Passage { bridge: world.base.clone(), path: path.to_owned(), forge: Arc::new(forge), http };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("its address"));
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(pass).with_state(passage)).await });
    base
}

async fn pass(State(passage): State<Passage>, request: Request) -> Response {
    match carry(&passage, request).await {
        Ok(answer) => answer,
        Err(reason) => (StatusCode::BAD_GATEWAY, reason).into_response(),
    }
}

async fn carry(passage: &Passage, request: Request) -> Result<Response, String> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if path.starts_with("/api/v1/events") {
        // A stream has no end to wait for; pages do without.
        return Err("no live updates here".into());
    }
    let body = to_bytes(body, 1 << 20).await.map_err(|error| error.to_string())?;
    // Compressed answers could not be changed.
    let mut headers = parts.headers;
    for name in [header::HOST, header::ACCEPT_ENCODING, header::CONTENT_LENGTH, header::CONNECTION] {
        headers.remove(name);
    }
    let asked = passage.http.request(parts.method, format!("{}{path}", passage.bridge)).headers(headers).body(body);
    let answer = asked.send().await.map_err(|error| error.to_string())?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut bytes = answer.bytes().await.map_err(|error| error.to_string())?.to_vec();
    if path.starts_with(&passage.path) {
        bytes = (passage.forge)(bytes);
    }
    let mut response = Response::builder().status(status);
    let kept = |name: &HeaderName| ![header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(name);
    for (name, value) in headers.iter().filter(|(name, _)| kept(name)) {
        response = response.header(name, value);
    }
    response.body(Body::from(bytes)).map_err(|error| error.to_string())
}
