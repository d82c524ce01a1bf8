//! RFC 9457 problems: what every failed API request answers.

use app::AppError;
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    log::LogError,
    workflow::{
        WorkflowError,
        refusal::{Fault, Refusal},
    },
};

#[derive(Clone, Debug, Serialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(flatten)]
    blame: Option<Box<Blame>>,
    #[serde(skip)]
    retry_after: Option<u64>,
    #[serde(skip)]
    authenticate: Option<&'static str>,
}

/// What of that which was sent is to blame; the first part by itself, and all of them.
#[derive(Clone, Debug, Serialize)]
struct Blame {
    /// A JSON pointer (RFC 6901).
    pointer: String,
    /// The same in the words of error messages, such as `inputs[2].value`.
    field: String,
    errors: Vec<Part>,
}

/// A part of what was sent, and what is wrong with it.
#[derive(Clone, Debug, Serialize)]
struct Part {
    pointer: String,
    field: String,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            blame: None,
            retry_after: None,
            authenticate: None,
        }
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
        let (retry_after, authenticate) = (self.retry_after, self.authenticate);
        let mut answer = (status, [(header::CONTENT_TYPE, "application/problem+json")], Json(self)).into_response();
        if let Some(seconds) = retry_after {
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(scheme) = authenticate {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        answer
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.fault {
            Fault::Malformed => StatusCode::BAD_REQUEST,
            Fault::Unsigned => StatusCode::UNAUTHORIZED,
            Fault::NotAllowed => StatusCode::FORBIDDEN,
            Fault::Conflict => StatusCode::CONFLICT,
            Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Contradiction => StatusCode::UNPROCESSABLE_ENTITY,
            Fault::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Fault::NotNow => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut problem = Self::new(status, refusal.detail);
        let errors: Vec<Part> = refusal
            .findings
            .into_iter()
            .map(|finding| Part { pointer: finding.pointer(), field: finding.field, detail: finding.detail })
            .collect();
        problem.blame = errors.first().cloned().map(|Part { pointer, field, .. }| Box::new(Blame { pointer, field, errors }));
        problem.retry_after = match refusal.fault {
            Fault::TooMany { retry_after } => Some(retry_after),
            Fault::NotNow => Some(5),
            _ => None,
        };
        // The signature in the document is what authenticates it.
        problem.authenticate = (refusal.fault == Fault::Unsigned).then_some("EIP-712");
        problem
    }
}

impl From<WorkflowError> for Problem {
    fn from(error: WorkflowError) -> Self {
        match error {
            WorkflowError::Refused(detail) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail),
            WorkflowError::NotFound(what) => Self::not_found(what),
            WorkflowError::Forbidden(detail) => Self::new(StatusCode::FORBIDDEN, detail),
            WorkflowError::Unacceptable(refusal) => refusal.into(),
            WorkflowError::Log(error @ LogError::ReadOnly(_)) => error.into(),
            other => Self::internal(format!("{other}: {:?}", std::error::Error::source(&other))),
        }
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        match error {
            LogError::ReadOnly(_) | LogError::Unwitnessed(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, capital(&error.to_string())),
            other => Self::internal(other),
        }
    }
}

impl From<sea_orm::DbErr> for Problem {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::internal(error)
    }
}

/// An error's words as a sentence.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

/// The same mapping for pages.
pub fn for_page(error: WorkflowError) -> AppError {
    match error {
        WorkflowError::Refused(detail) | WorkflowError::Forbidden(detail) => AppError::Refused(detail),
        WorkflowError::NotFound(what) => AppError::NotFound(what),
        WorkflowError::Unacceptable(refusal) => AppError::Refused(refusal.detail),
        WorkflowError::Log(error @ LogError::ReadOnly(_)) => AppError::Refused(capital(&error.to_string())),
        other => AppError::Internal(reference(format!("{other}: {:?}", std::error::Error::source(&other)))),
    }
}
