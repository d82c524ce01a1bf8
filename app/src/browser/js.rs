//! The browser's side of the boundary: wallets, requests, events, clocks and storage, as plain values.
//!
//! `absent.rs` has the same functions for the server, where none of them can be reached, so that everything above this
//! file is written once.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use js_sys::{Function, JSON, Object, Promise, Reflect};
use serde_json::Value as Json;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::{Offer, RpcError};

thread_local! {
    /// Announced EIP-1193 providers by their EIP-6963 uuid. Objects cannot live in signals.
    static PROVIDERS: RefCell<BTreeMap<String, JsValue>> = const { RefCell::new(BTreeMap::new()) };
}

/// Uuid under which `window.ethereum` is kept when nobody announced it.
const UNANNOUNCED: &str = "window.ethereum";

fn window() -> web_sys::Window {
    leptos::prelude::window()
}

fn get(of: &JsValue, key: &str) -> JsValue {
    Reflect::get(of, &key.into()).unwrap_or(JsValue::UNDEFINED)
}

fn text(of: &JsValue, key: &str) -> String {
    get(of, key).as_string().unwrap_or_default()
}

fn to_json(value: &JsValue) -> Json {
    JSON::stringify(value).ok().and_then(|text| text.as_string()).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Json::Null)
}

fn to_js(value: &Json) -> JsValue {
    JSON::parse(&value.to_string()).unwrap_or(JsValue::NULL)
}

/// Calls `found` with every wallet that announces itself (EIP-6963), or with `window.ethereum` where none does.
pub fn discover(found: impl Fn(Offer) + Clone + 'static) {
    let announced = {
        let found = found.clone();
        Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| {
            let detail = get(&event, "detail");
            let (info, provider) = (get(&detail, "info"), get(&detail, "provider"));
            let offer =
                Offer { uuid: text(&info, "uuid"), name: text(&info, "name"), icon: text(&info, "icon"), rdns: text(&info, "rdns") };
            if !offer.uuid.is_empty() && provider.is_object() {
                PROVIDERS.with_borrow_mut(|known| known.insert(offer.uuid.clone(), provider));
                found(offer);
            }
        })
    };
    let _listening = window().add_event_listener_with_callback("eip6963:announceProvider", announced.as_ref().unchecked_ref());
    announced.forget();
    if let Ok(request) = web_sys::Event::new("eip6963:requestProvider") {
        let _asked = window().dispatch_event(&request);
    }
    leptos::task::spawn_local(async move {
        sleep(400).await;
        let injected = get(&window(), "ethereum");
        let alone = PROVIDERS.with_borrow(BTreeMap::is_empty);
        if alone && injected.is_object() {
            PROVIDERS.with_borrow_mut(|known| known.insert(UNANNOUNCED.into(), injected));
            found(Offer { uuid: UNANNOUNCED.into(), name: "This browser's wallet".into(), icon: String::new(), rdns: UNANNOUNCED.into() });
        }
    });
}

/// EIP-1193 `request`.
pub async fn request(uuid: &str, method: &str, params: Json) -> Result<Json, RpcError> {
    let away = || RpcError { code: 4900, message: "The wallet is no longer there.".into(), data: None };
    let provider = PROVIDERS.with_borrow(|known| known.get(uuid).cloned()).ok_or_else(away)?;
    let function: Function = get(&provider, "request").dyn_into().map_err(|_| away())?;
    let asked = to_js(&serde_json::json!({ "method": method, "params": params }));
    let answer = match function.call1(&provider, &asked) {
        Ok(answer) => JsFuture::from(Promise::resolve(&answer)).await,
        Err(thrown) => Err(thrown),
    };
    match answer {
        Ok(value) => Ok(to_json(&value)),
        Err(thrown) => Err(RpcError {
            code: get(&thrown, "code").as_f64().unwrap_or_default() as i64,
            message: thrown.as_string().unwrap_or_else(|| text(&thrown, "message")),
            data: revert_data(&to_json(&get(&thrown, "data"))),
        }),
    }
}

/// The revert bytes somewhere inside an error's `data`; wallets nest them differently.
fn revert_data(data: &Json) -> Option<String> {
    match data {
        Json::String(text) if text.starts_with("0x") && text.len() >= 10 => Some(text.clone()),
        Json::Object(members) => members.values().find_map(revert_data),
        _ => None,
    }
}

/// Calls `then` on every `event` of a wallet, for as long as the page lives.
pub fn on_wallet_event(uuid: &str, event: &str, then: impl Fn(Json) + 'static) {
    let Some(provider) = PROVIDERS.with_borrow(|known| known.get(uuid).cloned()) else { return };
    let Ok(on) = get(&provider, "on").dyn_into::<Function>() else { return };
    let listener = Closure::<dyn Fn(JsValue)>::new(move |value: JsValue| then(to_json(&value)));
    let _subscribed = on.call2(&provider, &event.into(), listener.as_ref());
    listener.forget();
}

async fn response(method: &str, path: &str, body: Option<&Json>) -> Result<web_sys::Response, String> {
    let init = web_sys::RequestInit::new();
    init.set_method(method);
    if let Some(body) = body {
        let headers = Object::new();
        let _set = Reflect::set(&headers, &"content-type".into(), &"application/json".into());
        init.set_headers(&headers);
        init.set_body(&body.to_string().into());
    }
    let answer = JsFuture::from(window().fetch_with_str_and_init(path, &init)).await;
    answer.ok().and_then(|answer| answer.dyn_into().ok()).ok_or_else(|| "The server did not answer.".to_owned())
}

/// Asks this site; status and text of the answer.
pub async fn fetch(method: &str, path: &str, body: Option<&Json>) -> Result<(u16, String), String> {
    let response = response(method, path, body).await?;
    let lost = |_| "The answer was cut off.".to_owned();
    let text = JsFuture::from(response.text().map_err(lost)?).await.map_err(lost)?;
    Ok((response.status(), text.as_string().unwrap_or_default()))
}

/// Asks this site for bytes, past every cache where they may have changed; status and bytes of the answer.
pub async fn fetch_bytes(path: &str, fresh: bool) -> Result<(u16, Vec<u8>), String> {
    let init = web_sys::RequestInit::new();
    if fresh {
        let _set = Reflect::set(&init, &"cache".into(), &"no-store".into());
    }
    let answer = JsFuture::from(window().fetch_with_str_and_init(path, &init)).await;
    let response: Option<web_sys::Response> = answer.ok().and_then(|answer| answer.dyn_into().ok());
    let response = response.ok_or_else(|| "The server did not answer.".to_owned())?;
    let lost = |_| "The answer was cut off.".to_owned();
    let bytes = JsFuture::from(response.array_buffer().map_err(lost)?).await.map_err(lost)?;
    Ok((response.status(), js_sys::Uint8Array::new(&bytes).to_vec()))
}

/// Follows server-sent events for as long as the page lives: `changed` with the data of each, `connected` as the stream comes and goes.
pub fn follow(path: &str, event: &str, changed: impl Fn(Json) + 'static, connected: impl Fn(bool) + Clone + 'static) {
    let on_change =
        Closure::<dyn Fn(JsValue)>::new(move |event: JsValue| changed(serde_json::from_str(&text(&event, "data")).unwrap_or(Json::Null)));
    let on_open = {
        let connected = connected.clone();
        Closure::<dyn Fn()>::new(move || connected(true))
    };
    let on_error = {
        let connected = connected.clone();
        Closure::<dyn Fn()>::new(move || connected(false))
    };
    let (path, event) = (path.to_owned(), event.to_owned());
    let open = move || {
        let source = web_sys::EventSource::new(&path).ok()?;
        let _listening = source.add_event_listener_with_callback(&event, on_change.as_ref().unchecked_ref());
        source.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(source)
    };
    let current = Rc::new(RefCell::new(open()));
    // Browsers keep pages that were left, for coming back to. Their streams would use up the few connections that a
    // browser makes to one place, and the seventh page would wait for minutes.
    let on_leave = {
        let current = Rc::clone(&current);
        Closure::<dyn Fn()>::new(move || {
            if let Some(source) = current.take() {
                source.close();
                connected(false);
            }
        })
    };
    let on_return = Closure::<dyn Fn()>::new(move || {
        let closed = current.borrow().is_none();
        if closed {
            current.replace(open());
        }
    });
    let _leaving = window().add_event_listener_with_callback("pagehide", on_leave.as_ref().unchecked_ref());
    let _returning = window().add_event_listener_with_callback("pageshow", on_return.as_ref().unchecked_ref());
    on_leave.forget();
    on_return.forget();
}

/// What waits for the worker's answer to one question.
struct Waiting {
    resolve: Function,
    reject: Function,
    progress: Box<dyn Fn(Json)>,
}

thread_local! {
    static WORKER: RefCell<Option<web_sys::Worker>> = const { RefCell::new(None) };
    static WAITING: RefCell<BTreeMap<u64, Waiting>> = const { RefCell::new(BTreeMap::new()) };
    static ASKED: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The worker of this page, started with the first question.
fn worker() -> Result<web_sys::Worker, String> {
    if let Some(worker) = WORKER.with_borrow(Clone::clone) {
        return Ok(worker);
    }
    let options = web_sys::WorkerOptions::new();
    options.set_type(web_sys::WorkerType::Module);
    let worker = web_sys::Worker::new_with_options("/assets/explainer.js", &options)
        .map_err(|_| "This browser could not start a second thread.".to_owned())?;
    let answered = Closure::<dyn Fn(web_sys::MessageEvent)>::new(|event: web_sys::MessageEvent| {
        let said: Json = event.data().as_string().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let id = said["id"].as_u64().unwrap_or_default();
        if let Some(progress) = said.get("progress") {
            WAITING.with_borrow(|waiting| {
                if let Some(waiting) = waiting.get(&id) {
                    (waiting.progress)(progress.clone());
                }
            });
            return;
        }
        let Some(waiting) = WAITING.with_borrow_mut(|waiting| waiting.remove(&id)) else { return };
        let _told = match said.get("failed").and_then(Json::as_str) {
            Some(reason) => waiting.reject.call1(&JsValue::NULL, &reason.into()),
            None => waiting.resolve.call1(&JsValue::NULL, &said["done"].to_string().into()),
        };
    });
    worker.set_onmessage(Some(answered.as_ref().unchecked_ref()));
    answered.forget();
    let broken = Closure::<dyn Fn(JsValue)>::new(|event: JsValue| {
        let reason = text(&event, "message");
        let reason = if reason.is_empty() { "The second thread ended.".to_owned() } else { reason };
        WORKER.take();
        for (_, waiting) in WAITING.take() {
            let _told = waiting.reject.call1(&JsValue::NULL, &reason.as_str().into());
        }
    });
    worker.set_onerror(Some(broken.as_ref().unchecked_ref()));
    broken.forget();
    WORKER.set(Some(worker.clone()));
    Ok(worker)
}

/// Asks the worker of this page, which answers questions in order.
pub async fn on_another_thread(task: &str, body: Json, progress: impl Fn(Json) + 'static) -> Result<Json, String> {
    let worker = worker()?;
    let id = ASKED.get() + 1;
    ASKED.set(id);
    let mut progress: Option<Box<dyn Fn(Json)>> = Some(Box::new(progress));
    let answer = Promise::new(&mut |resolve, reject| {
        if let Some(progress) = progress.take() {
            WAITING.with_borrow_mut(|waiting| waiting.insert(id, Waiting { resolve, reject, progress }));
        }
    });
    worker
        .post_message(&to_js(&serde_json::json!({ "id": id, "task": task, "body": body })))
        .map_err(|_| "The second thread could not be asked.".to_owned())?;
    match JsFuture::from(answer).await {
        Ok(done) => serde_json::from_str(&done.as_string().unwrap_or_default()).map_err(|error| error.to_string()),
        Err(reason) => Err(reason.as_string().unwrap_or_else(|| "The second thread failed.".into())),
    }
}

pub async fn sleep(milliseconds: i32) {
    let waiting = Promise::new(&mut |resolve, _| {
        let _timer = window().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, milliseconds);
    });
    let _over = JsFuture::from(waiting).await;
}

/// Milliseconds since the page was opened, for measuring.
pub fn milliseconds() -> f64 {
    window().performance().map_or(0.0, |performance| performance.now())
}

/// The reader's clock; what a chain's clock says is in `Site`.
pub fn unix_seconds() -> u64 {
    (js_sys::Date::now() / 1000.0) as u64
}

/// Origin and host of this page.
pub fn location() -> (String, String) {
    let location = window().location();
    (location.origin().unwrap_or_default(), location.host().unwrap_or_default())
}

pub fn recall(key: &str) -> Option<String> {
    window().local_storage().ok().flatten()?.get_item(key).ok().flatten()
}

pub fn remember(key: &str, value: Option<&str>) {
    if let Ok(Some(storage)) = window().local_storage() {
        let _kept = match value {
            Some(value) => storage.set_item(key, value),
            None => storage.remove_item(key),
        };
    }
}

/// Opens a `<dialog>` so that the rest of the page is inert and Escape closes it.
pub fn open_dialog(id: &str) {
    if let Some(Ok(dialog)) = leptos::prelude::document().get_element_by_id(id).map(JsCast::dyn_into::<web_sys::HtmlDialogElement>)
        && !dialog.open()
    {
        let _opened = dialog.show_modal();
    }
}

pub fn close_dialog(id: &str) {
    if let Some(Ok(dialog)) = leptos::prelude::document().get_element_by_id(id).map(JsCast::dyn_into::<web_sys::HtmlDialogElement>) {
        dialog.close();
    }
}
