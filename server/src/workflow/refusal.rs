//! Why something that was handed in is not taken, said so that a program can mend it.

/// What is the matter, by what whoever handed it in can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not what it should be in form.
    Malformed,
    /// It is not signed, or not by whom it says.
    Unsigned,
    /// Whoever signed it may not hand it in, or nobody asked for it.
    NotAllowed,
    /// Something else is here already under its name.
    Conflict,
    TooLarge,
    /// It does not hold: its parts contradict each other, the chain, or the model.
    Contradiction,
    /// Too many for now; trying again after so many seconds may help.
    TooMany {
        retry_after: u64,
    },
    /// It cannot be checked at this moment, and may be later.
    NotNow,
}

/// A part that is to blame, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Such as `inputs[2].value`.
    pub field: String,
    pub detail: String,
}

impl Finding {
    /// The field as a JSON pointer (RFC 6901); the empty one is the whole document.
    pub fn pointer(&self) -> String {
        if self.field == "the record" {
            return String::new();
        }
        let steps = self.field.replace('[', ".").replace(']', "");
        let steps = steps.split('.').filter(|step| !step.is_empty());
        steps.map(|step| format!("/{}", step.replace('~', "~0").replace('/', "~1"))).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub fault: Fault,
    pub detail: String,
    /// The first is what `detail` is about.
    pub findings: Vec<Finding>,
}

impl Refusal {
    pub fn new(fault: Fault, detail: impl Into<String>) -> Self {
        Self { fault, detail: detail.into(), findings: Vec::new() }
    }

    /// Blames one field.
    pub fn of(fault: Fault, field: impl Into<String>, detail: impl Into<String>) -> Self {
        let (field, detail) = (field.into(), detail.into());
        Self { fault, findings: vec![Finding { field, detail: detail.clone() }], detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_also_a_json_pointer() {
        for (field, pointer) in [
            ("at", "/at"),
            ("inputs[2].value", "/inputs/2/value"),
            ("model.metrics[0].name", "/model/metrics/0/name"),
            ("the record", ""),
            ("a/b", "/a~1b"),
        ] {
            assert_eq!(Finding { field: field.into(), detail: String::new() }.pointer(), pointer);
        }
    }
}
