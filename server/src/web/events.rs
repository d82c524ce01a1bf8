//! Server-sent events for open pages.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;

use crate::bridge::Bridge;

pub async fn events(State(bridge): State<Arc<Bridge>>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = BroadcastStream::new(bridge.changes.subscribe()).filter_map(|change| async move {
        // A reader too slow to keep up reads everything anew anyway.
        let change = change.ok()?;
        Event::default().event("change").json_data(change).ok().map(Ok)
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}
