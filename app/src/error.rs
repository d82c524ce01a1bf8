//! The one error a page can meet: a public code and a plain sentence, no internals.

use leptos::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    #[error("{0} was not found here.")]
    NotFound(String),
    #[error("{0}")]
    Refused(String),
    #[error("Sign in with your wallet first.")]
    SignIn,
    #[error("Something went wrong on our side. Reference {0}.")]
    Internal(String),
    #[error("The bridge could not be reached: {0}")]
    Network(String),
}

impl FromServerFnError for AppError {
    type Encoder = server_fn::codec::JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Args(detail) | ServerFnErrorErr::MissingArg(detail) | ServerFnErrorErr::Deserialization(detail) => {
                Self::Refused(format!("The request could not be read: {detail}"))
            }
            other => Self::Network(other.to_string()),
        }
    }
}
