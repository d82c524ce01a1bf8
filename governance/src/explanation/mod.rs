//! Why a change was proposed: the decision an agent signed, the model behind it, and whether the two agree.
//!
//! A [`decision::DecisionRecord`] says what was asked, what was known, what a model made of it and which rule turned
//! the model's output into a value. [`model`] reads the model, [`attribution`] attributes its output to the inputs,
//! [`rule`] evaluates the rule, [`verification`] compares all of that with the record, and [`summary`] says it in
//! words. The same code runs on the server, in the command line and in the reader's browser.
//!
//! Left to others: fetching records and models, saying what is current and what the chain did, auditors' verdicts, and
//! how any of it looks.

pub mod attribution;
pub mod comparison;
pub mod counterfactual;
pub mod decision;
pub mod links;
pub mod model;
pub mod overview;
mod profile;
pub mod random;
pub mod ranges;
pub mod rule;
pub mod sensitivity;
pub mod setting;
pub mod stability;
pub mod staleness;
mod strict_json;
pub mod summary;
pub mod track_record;
pub mod verification;
pub mod what_if;

pub use attribution::{AttributionError, Attributions, Method, Request, attribute};
pub use decision::{DecisionError, DecisionRecord, SignatureKind, digest_line, find_digest_line};
pub use links::{Carried, Link, LinkKind, LinkState};
pub use model::{Model, ModelError, Rows};
pub use ranges::InputRange;
pub use rule::{Decimal, Rule, RuleOutcome, RuleStep};
pub use setting::{Setting, SettingError};
pub use staleness::{Current, Stale, staleness};
pub use summary::{Bar, LIMITS, More, Paragraph, full, one_line, three_lines, waterfall};
pub use verification::{Binding, Check, Known, Verification, VerificationState, binding, verify, verify_with, why};
