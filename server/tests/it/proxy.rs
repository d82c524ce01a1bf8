//! A node behind a line that can be cut: loses requests or answers of one method, refuses long ranges, or leads
//! elsewhere.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use serde_json::{Value, json};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The method's requests never arrive.
    LoseRequests(&'static str),
    /// The method is carried out, but nobody hears of it.
    LoseAnswers(&'static str),
    /// `eth_getLogs` over more blocks than this is refused.
    ShortRanges(u64),
}

#[derive(Debug)]
struct Line {
    upstream: String,
    fault: Fault,
    passed: Vec<String>,
    http: reqwest::Client,
}

#[derive(Clone, Debug)]
pub struct Proxy {
    pub url: String,
    line: Arc<Mutex<Line>>,
}

impl Proxy {
    pub async fn before(upstream: &str) -> Self {
        let line =
            Arc::new(Mutex::new(Line { upstream: upstream.to_owned(), fault: Fault::None, passed: vec![], http: reqwest::Client::new() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().route("/", post(pass)).with_state(line.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, line }
    }

    pub fn fail(&self, fault: Fault) {
        self.line.lock().unwrap().fault = fault;
    }

    pub fn lead_to(&self, upstream: &str) {
        self.line.lock().unwrap().upstream = upstream.to_owned();
    }

    /// How often a method reached the node.
    pub fn passed(&self, method: &str) -> usize {
        self.line.lock().unwrap().passed.iter().filter(|passed| *passed == method).count()
    }
}

async fn pass(State(line): State<Arc<Mutex<Line>>>, Json(request): Json<Value>) -> axum::response::Response {
    let method = request["method"].as_str().unwrap_or_default().to_owned();
    let (upstream, fault, http) = {
        let line = line.lock().unwrap();
        (line.upstream.clone(), line.fault.clone(), line.http.clone())
    };
    match fault {
        Fault::LoseRequests(lost) if lost == method => return StatusCode::BAD_GATEWAY.into_response(),
        Fault::ShortRanges(most) if method == "eth_getLogs" => {
            let number = |name: &str| {
                request["params"][0][name]
                    .as_str()
                    .and_then(|text| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok())
                    .unwrap_or_default()
            };
            if number("toBlock") + 1 - number("fromBlock") > most {
                let error = json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32005, "message": "block range is too wide"}});
                return Json(error).into_response();
            }
        }
        _ => {}
    }
    line.lock().unwrap().passed.push(method.clone());
    let answer: Value = match http.post(upstream).json(&request).send().await {
        Ok(answer) => answer.json().await.unwrap(),
        Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
    };
    if matches!(fault, Fault::LoseAnswers(lost) if lost == method) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(answer).into_response()
}
