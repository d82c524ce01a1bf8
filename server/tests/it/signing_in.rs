//! Sign-In with Ethereum, and what only a signed-in person may see.

use alloy::signers::{SignerSync, local::PrivateKeySigner};
use alloy_primitives::hex;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, Site, World, wallet};

/// A browser, as far as signing in goes: it keeps one cookie.
struct Browser<'a> {
    site: &'a Site,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(site: &'a Site) -> Self {
        Self { site, cookie: String::new() }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Answer {
        let answer = self.site.ask(request.header("cookie", &self.cookie)).await;
        if let Some((cookie, _)) = answer.header("set-cookie").split_once(';') {
            self.cookie = cookie.to_owned();
        }
        answer
    }

    async fn nonce(&mut self) -> String {
        self.send(self.site.request(Method::GET, "/auth/nonce")).await.text()
    }

    async fn verify(&mut self, message: &str, key: &PrivateKeySigner) -> Answer {
        let signature = hex::encode_prefixed(key.sign_message_sync(message.as_bytes()).unwrap().as_bytes());
        let body = json!({"message": message, "signature": signature});
        self.send(self.site.request(Method::POST, "/auth/verify").json(&body)).await
    }

    async fn sign_in(&mut self, key: &PrivateKeySigner) {
        let nonce = self.nonce().await;
        let answer = self.verify(&Message::of(self.site, key, &nonce).text(), key).await;
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// Calls a server function, as pages do.
    async fn page(&mut self, function: &str, body: Value) -> Answer {
        let request = self.site.request(Method::POST, &format!("/api/page/{function}")).header("accept", "application/json");
        let request = match function {
            "save_draft" => request.json(&body),
            _ => {
                let pairs: Vec<String> =
                    body.as_object().unwrap().iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
                request.header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"))
            }
        };
        self.send(request).await
    }
}

/// An EIP-4361 message, to be spoiled in one place or another.
struct Message {
    domain: String,
    address: String,
    uri: String,
    chain_id: u64,
    nonce: String,
    issued_at: String,
    expires: Option<String>,
}

impl Message {
    fn of(site: &Site, key: &PrivateKeySigner, nonce: &str) -> Self {
        Self {
            domain: site.url.trim_start_matches("http://").to_owned(),
            address: key.address().to_checksum(None),
            uri: site.url.clone(),
            chain_id: 31_337,
            nonce: nonce.to_owned(),
            issued_at: "2026-01-01T00:00:00Z".into(),
            expires: Some("2199-01-01T00:00:00Z".into()),
        }
    }

    fn text(&self) -> String {
        let Self { domain, address, uri, chain_id, nonce, issued_at, expires } = self;
        let expires = expires.as_ref().map_or_else(String::new, |expires| format!("\nExpiration Time: {expires}"));
        format!(
            "{domain} wants you to sign in with your Ethereum account:\n{address}\n\nSign in to Saltmarsh Collective.\n\nURI: {uri}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}\nIssued At: {issued_at}{expires}"
        )
    }
}

#[tokio::test]
async fn only_the_right_message_opens_a_session() {
    let world = World::new().await;
    let site = world.idle_bridge().await;
    let key = wallet(7);
    let mut browser = Browser::new(&site);

    type Spoil = fn(&mut Message);
    let spoilt: [(&str, Spoil); 7] = [
        ("asked for in this browser", |message| message.nonce = "0123456789abcdef01234567".into()),
        ("but this is", |message| message.domain = "evil.example".into()),
        ("on chain 31337", |message| message.chain_id = 1),
        ("has expired", |message| message.expires = Some("2026-01-02T00:00:00Z".into())),
        ("has expired", |message| message.expires = Some("2199-01-01T00:00:00Z\nNot Before: 2198-01-01T00:00:00Z".into())),
        ("has no expiry", |message| message.expires = None),
        ("not from the account", |message| message.address = wallet(8).address().to_checksum(None)),
    ];
    for (words, spoil) in spoilt {
        let nonce = browser.nonce().await;
        let mut message = Message::of(&site, &key, &nonce);
        spoil(&mut message);
        let refusal = browser.verify(&message.text(), &key).await.problem(401);
        assert!(refusal.contains(words), "{refusal}");
        // The nonce is spent, whatever came of it.
        let again = browser.verify(&Message::of(&site, &key, &nonce).text(), &key).await.problem(401);
        assert!(again.contains("asked for in this browser"), "{again}");
    }
    // A message is bound to the browser that asked for it.
    let nonce = Browser::new(&site).nonce().await;
    assert!(browser.verify(&Message::of(&site, &key, &nonce).text(), &key).await.problem(401).contains("this browser"));
    for (message, signature) in [("not a message", "0x00"), ("", "")] {
        let body = json!({"message": message, "signature": signature});
        browser.send(site.request(Method::POST, "/auth/verify").json(&body)).await.problem(401);
    }
    let nobody: Value = browser.page("site", json!({})).await.json();
    assert_eq!(nobody["actor"], Value::Null);

    let before = browser.cookie.clone();
    browser.sign_in(&key).await;
    assert_ne!(browser.cookie, before, "the session keeps an id from before the sign-in");
    let somebody: Value = browser.page("site", json!({})).await.json();
    assert_eq!(somebody["actor"]["address"], key.address().to_string());
    let mut thief = Browser { site: &site, cookie: before };
    assert_eq!(thief.page("site", json!({})).await.json()["actor"], Value::Null);

    assert_eq!(browser.send(site.request(Method::POST, "/auth/logout")).await.status, 204);
    assert_eq!(browser.page("site", json!({})).await.json()["actor"], Value::Null);
}

#[tokio::test]
async fn the_session_cookie_is_for_this_site_only_and_out_of_scripts_reach() {
    let world = World::new().await;
    let site = world.idle_bridge().await;
    let cookie = site.get("/auth/nonce").await.header("set-cookie").to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
}

fn draft(hash: &str, key: &str, value: &str) -> Value {
    json!({"title": "A calmer sea", "text": "Because.", "actions": [{"kind": "change", "engine": "tideline", "basedOn": hash, "changes": [{"key": key, "value": value}]}], "decisionDigest": null})
}

#[tokio::test]
async fn drafts_are_private_and_out_of_bounds_values_are_named() {
    let world = World::new().await;
    let site = world.bridge().await;
    let hash = world.parameter_set_hash().await.to_string();
    let (mut ines, mut wen, mut visitor) = (Browser::new(&site), Browser::new(&site), Browser::new(&site));
    ines.sign_in(&wallet(7)).await;
    wen.sign_in(&wallet(8)).await;

    let refused = visitor.page("save_draft", json!({"id": null, "draft": draft(&hash, "swell", "0.4")})).await;
    assert!(!refused.status.is_success() && refused.text().contains("SignIn"), "{}", refused.text());

    let saved = ines.page("save_draft", json!({"id": null, "draft": draft(&hash, "swell", "0.4")})).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    let saved = saved.json();
    assert_eq!((&saved["findings"], &saved["public"]), (&json!([]), &json!(false)));
    assert!(saved["compiled"]["proposal_id"].is_string() || saved["compiled"]["proposalId"].is_string());
    let id = saved["id"].as_str().unwrap();

    for other in [&mut wen, &mut visitor] {
        let found = other.page("draft", json!({"id": id})).await;
        assert!(!found.status.is_success() && found.text().contains("NotFound"), "{}", found.text());
        assert!(!other.page("drafts", json!({})).await.text().contains(id));
        let changed = other.page("save_draft", json!({"id": id, "draft": draft(&hash, "swell", "0.2")})).await;
        assert!(!changed.status.is_success());
        assert!(!other.page("delete_draft", json!({"id": id})).await.status.is_success());
    }
    assert!(!site.get("/api/v1/drafts").await.text().contains(id));
    assert!(ines.page("drafts", json!({})).await.text().contains(id));

    // Each of these would be refused by the contract; the draft says so first, with the bound.
    let current = site.bridge.reading().facts.engines["tideline"].values.clone();
    assert!(current.contains_key("mint.price"));
    for (key, value, words) in [
        ("mint.price", "0.9", "0.9000 is outside 0.0050 to 0.5000"),
        ("layers", "41", "41 is outside 4 to 40"),
        ("royalty", "10.01", "10.01 is outside 0.00 to 10.00"),
        ("inscription", &"x".repeat(49), "48"),
        ("palette", "mauve", "dawn, kelp, ember, slate"),
        ("mint.cadence", "19.5", "19.5"),
        ("nothing", "1", "nothing is not a parameter of tideline"),
    ] {
        let found = ines.page("save_draft", json!({"id": id, "draft": draft(&hash, key, value)})).await.json();
        let findings = found["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].as_str().unwrap().contains(words), "{}", findings[0]);
        assert_eq!(found["compiled"], Value::Null);
    }
    assert_eq!(ines.page("delete_draft", json!({"id": id})).await.status, 200);
    assert!(!ines.page("drafts", json!({})).await.text().contains(id));
}
