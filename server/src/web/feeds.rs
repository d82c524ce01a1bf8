//! Feeds of what is proposed, for readers of other people's making.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::bridge::Bridge;

const MOST: usize = 30;

fn stamp(unix: u64) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(unix as i64).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    moment.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .collect::<String>()
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

pub async fn atom(State(bridge): State<Arc<Bridge>>) -> Response {
    let (reading, home) = (bridge.reading(), &bridge.config.public_url);
    let updated = stamp(reading.chain_time);
    let mut feed = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n<title>{}: what is decided</title>\n<id>{home}/feed.atom</id>\n<link rel=\"self\" href=\"{home}/feed.atom\"/>\n<link href=\"{home}/\"/>\n<updated>{updated}</updated>\n",
        escape(&reading.dao.name)
    );
    for proposal in reading.summaries().iter().take(MOST) {
        let link = format!("{home}{}", proposal.href());
        feed.push_str(&format!(
            "<entry>\n<title>{} ({})</title>\n<id>{link}</id>\n<link href=\"{link}\"/>\n<updated>{}</updated>\n<author><name>{}</name></author>\n<summary>{}</summary>\n</entry>\n",
            escape(&proposal.title),
            proposal.state,
            stamp(proposal.created_at),
            escape(&proposal.proposer.label()),
            escape(&proposal.sentence)
        ));
    }
    feed.push_str("</feed>\n");
    ([(header::CONTENT_TYPE, "application/atom+xml; charset=utf-8")], feed).into_response()
}

pub async fn json(State(bridge): State<Arc<Bridge>>) -> Response {
    let (reading, home) = (bridge.reading(), &bridge.config.public_url);
    let items: Vec<Value> = reading
        .summaries()
        .iter()
        .take(MOST)
        .map(|proposal| {
            let link = format!("{home}{}", proposal.href());
            json!({"id": link, "url": link, "title": format!("{} ({})", proposal.title, proposal.state), "content_text": proposal.sentence, "date_published": stamp(proposal.created_at), "authors": [{"name": proposal.proposer.label()}]})
        })
        .collect();
    let feed = json!({"version": "https://jsonfeed.org/version/1.1", "title": format!("{}: what is decided", reading.dao.name), "home_page_url": home, "feed_url": format!("{home}/feed.json"), "items": items});
    ([(header::CONTENT_TYPE, "application/feed+json")], Json(feed)).into_response()
}
