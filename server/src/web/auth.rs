//! Sign-In with Ethereum (EIP-4361) into a cookie session.

use std::str::FromStr;

use alloy_primitives::{Address, Signature};
use app::views::Party;
use axum::{
    Json,
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};
use serde::Deserialize;
use tower_sessions::Session;

use super::{Problem, Web};

/// The signed-in person of a request, placed in its extensions.
#[derive(Clone, Debug)]
pub struct Actor(pub Option<Party>);

const NONCE: &str = "nonce";
const ADDRESS: &str = "address";

pub async fn find_actor(State(web): State<Web>, session: Session, mut request: Request, next: Next) -> Response {
    let address: Option<Address> = session.get(ADDRESS).await.ok().flatten();
    request.extensions_mut().insert(Actor(address.map(|address| web.bridge.reading().party(address))));
    next.run(request).await
}

/// A fresh nonce, bound to this browser's session.
pub async fn nonce(session: Session) -> Result<String, Problem> {
    let nonce = alloy_primitives::hex::encode(rand::random::<[u8; 12]>());
    session.insert(NONCE, &nonce).await.map_err(Problem::internal)?;
    Ok(nonce)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedMessage {
    message: String,
    signature: String,
}

/// Checks domain, chain, nonce, times and signature, and opens the session.
pub async fn verify(State(web): State<Web>, session: Session, Json(signed): Json<SignedMessage>) -> Result<StatusCode, Problem> {
    let refuse = |detail: String| Problem::new(StatusCode::UNAUTHORIZED, detail);
    if signed.message.len() > 4_096 {
        return Err(refuse("The sign-in message is too long.".into()));
    }
    let message = siwe::Message::from_str(&signed.message)
        .map_err(|error| refuse(format!("The sign-in message is not an EIP-4361 message: {error}")))?;
    // One use: whatever comes of it, the nonce is spent.
    let expected: Option<String> = session.remove(NONCE).await.map_err(Problem::internal)?;
    if expected.as_deref() != Some(message.nonce.as_str()) {
        return Err(refuse("The sign-in was not asked for in this browser, or was used before. Try again.".into()));
    }
    let url = url::Url::parse(&web.bridge.config.public_url).map_err(Problem::internal)?;
    let host = url.host_str().unwrap_or_default();
    let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let local = |name: &str| ["127.0.0.1", "localhost"].contains(&name.split(':').next().unwrap_or_default());
    let domain = message.domain.to_string();
    if domain != authority && !(local(&domain) && local(&authority)) {
        return Err(refuse(format!("The sign-in is for {domain}, but this is {authority}.")));
    }
    let chain_id = web.bridge.reading().source.chain_id;
    if message.chain_id != chain_id {
        return Err(refuse(format!("The sign-in is for chain {}, but this DAO is on chain {chain_id}.", message.chain_id)));
    }
    if message.expiration_time.is_none() {
        return Err(refuse("The sign-in has no expiry; it needs one.".into()));
    }
    if !message.valid_now() {
        return Err(refuse("The sign-in has expired or is not valid yet; check your clock and try again.".into()));
    }
    let signature = Signature::from_str(&signed.signature).map_err(|_| refuse("The signature is not 65 bytes in hex.".into()))?;
    let recovered =
        signature.recover_address_from_msg(signed.message.as_bytes()).map_err(|_| refuse("The signature cannot be read.".into()))?;
    if recovered != Address::from(message.address) {
        return Err(refuse("The signature is not from the account that the message names.".into()));
    }
    session.cycle_id().await.map_err(Problem::internal)?;
    session.insert(ADDRESS, recovered).await.map_err(Problem::internal)?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn logout(session: Session) -> Result<StatusCode, Problem> {
    session.flush().await.map_err(Problem::internal)?;
    Ok(StatusCode::NO_CONTENT)
}
