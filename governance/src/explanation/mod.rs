//! Why a change was proposed: the decision an agent signed, the model behind it, and whether the two agree.
//!
//! A [`decision::DecisionRecord`] says what was asked, what was known, what a model made of it and which rule turned
//! the model's output into a value. [`model`] reads the model, [`tree_shap`] attributes its output to the inputs,
//! [`rule`] evaluates the rule, [`verification`] compares all of that with the record, and [`summary`] says it in
//! words. The same code runs on the server, in the command line and in the reader's browser.
//!
//! Left to others: fetching records and models, deciding whether a record is stale (`basedOn` against the registry's
//! current hash), auditors' verdicts, and how any of it looks.

pub mod decision;
pub mod model;
pub mod rule;
mod strict_json;
pub mod summary;
pub mod tree_shap;
pub mod verification;

pub use decision::{DecisionError, DecisionRecord, digest_line, find_digest_line};
pub use model::{Model, ModelError};
pub use rule::{Decimal, Rule, RuleOutcome, RuleStep};
pub use summary::{Bar, one_line, three_lines, waterfall};
pub use tree_shap::{Attribution, explain};
pub use verification::{Binding, Check, Verification, VerificationState, binding, verify};
