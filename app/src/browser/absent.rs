//! What `js.rs` offers, where there is no browser: on the server, which renders the same pages but never runs their handlers.

use serde_json::Value as Json;

use super::{Offer, RpcError};

fn nowhere<T>() -> Result<T, String> {
    Err("This needs a browser.".into())
}

pub fn discover(_found: impl Fn(Offer) + Clone + 'static) {}

pub async fn request(_uuid: &str, _method: &str, _params: Json) -> Result<Json, RpcError> {
    Err(RpcError { code: 4900, message: "This needs a browser.".into(), data: None })
}

pub fn on_wallet_event(_uuid: &str, _event: &str, _then: impl Fn(Json) + 'static) {}

pub async fn fetch(_method: &str, _path: &str, _body: Option<&Json>) -> Result<(u16, String), String> {
    nowhere()
}

pub async fn fetch_bytes(_path: &str, _fresh: bool) -> Result<(u16, Vec<u8>), String> {
    nowhere()
}

pub fn follow(_path: &str, _event: &str, _changed: impl Fn(Json) + 'static, _connected: impl Fn(bool) + Clone + 'static) {}

pub async fn on_another_thread(_task: &str, _body: Json, _progress: impl Fn(Json) + 'static) -> Result<Json, String> {
    nowhere()
}

pub async fn sleep(_milliseconds: i32) {}

pub fn milliseconds() -> f64 {
    0.0
}

pub fn unix_seconds() -> u64 {
    0
}

pub fn location() -> (String, String) {
    Default::default()
}

pub fn recall(_key: &str) -> Option<String> {
    None
}

pub fn remember(_key: &str, _value: Option<&str>) {}

pub fn open_dialog(_id: &str) {}

pub fn close_dialog(_id: &str) {}
