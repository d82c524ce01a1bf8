//! RFC 9457 problems: what every failed API request answers.

use app::AppError;
use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{log::LogError, workflow::WorkflowError};

#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { kind: "about:blank", title: status.canonical_reason().unwrap_or("Error"), status: status.as_u16(), detail: detail.into() }
    }

    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} was not found here."))
    }

    /// Logs the cause once, under a reference that the answer repeats.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("Something went wrong on our side. Reference {}.", reference(cause)))
    }
}

/// Logs a cause and returns the reference people can quote.
pub fn reference(cause: impl std::fmt::Display) -> String {
    let reference = alloy_primitives::hex::encode(rand::random::<[u8; 4]>());
    tracing::error!(%reference, "{cause}");
    reference
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response()
    }
}

impl From<WorkflowError> for Problem {
    fn from(error: WorkflowError) -> Self {
        match error {
            WorkflowError::Refused(detail) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            WorkflowError::NotFound(what) => Self::not_found(what),
            WorkflowError::Forbidden(detail) => Self::new(StatusCode::FORBIDDEN, detail),
            other => Self::internal(format!("{other}: {:?}", std::error::Error::source(&other))),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        Self::internal(error)
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::internal(error)
    }
}

/// The same mapping for pages.
pub fn for_page(error: WorkflowError) -> AppError {
    match error {
        WorkflowError::Refused(detail) | WorkflowError::Forbidden(detail) => AppError::Refused(detail),
        WorkflowError::NotFound(what) => AppError::NotFound(what),
        other => AppError::Internal(reference(format!("{other}: {:?}", std::error::Error::source(&other)))),
    }
}
