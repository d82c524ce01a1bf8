//! Trust policies (C2SP tlog-policy): which logs and witnesses a reader knows, and
//! which of the witnesses must have cosigned a checkpoint before it is believed.
//!
//! Names and URLs must be UTF-8 here; comments may be in any bytes. Keys are
//! Ed25519. Asking the witnesses is left to others.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;

use super::cosignature::WitnessKey;
use super::note::{Note, NoteError, VerifierKey};

/// The largest policy that is read, in bytes.
pub const LARGEST_POLICY: usize = 64 * 1024;

/// The most logs, witnesses or groups; the specification asks for at least 32 of each.
pub const MOST: usize = 128;

/// The name of the quorum that nobody is needed for.
const NONE: &str = "none";

/// A log whose checkpoints are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyLog {
    pub key: VerifierKey,
    pub url: Option<String>,
}

/// A witness whose cosignatures count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyWitness {
    /// What the policy calls it, which need not be the name of its key.
    pub name: String,
    pub key: WitnessKey,
    pub url: Option<String>,
}

/// Members of which at least `threshold` must have cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub threshold: usize,
    /// Names of witnesses, and of groups defined before.
    pub members: Vec<String>,
}

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub logs: Vec<PolicyLog>,
    pub witnesses: Vec<PolicyWitness>,
    pub groups: Vec<Group>,
    /// The witness or group that must have cosigned; `None` when nobody must.
    pub quorum: Option<String>,
}

/// What a policy says of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed<'p> {
    /// The logs of the policy that signed it.
    pub logs: Vec<&'p VerifierKey>,
    /// The witnesses that cosigned it, each with its time in Unix seconds.
    pub cosigned: Vec<(&'p PolicyWitness, u64)>,
    /// Whether enough of them did.
    pub quorum: bool,
}

impl Weighed<'_> {
    /// Whether the checkpoint may be believed: a log of the policy signed it, where it names any, and the quorum holds.
    pub fn holds(&self, policy: &Policy) -> bool {
        self.quorum && (policy.logs.is_empty() || !self.logs.is_empty())
    }
}

/// Why a policy cannot be read, by its line, counted from one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("line {line} of the policy: {reason}")]
    Line { line: usize, reason: String },
    #[error("this is not a policy: {reason}")]
    Whole { reason: &'static str },
}

impl Policy {
    /// A policy under which `threshold` of the witnesses must have cosigned.
    ///
    /// # Errors
    /// As in a written policy: double keys or names, or a threshold that cannot be reached.
    pub fn at_least(threshold: usize, logs: &[VerifierKey], witnesses: &[PolicyWitness]) -> Result<Self, PolicyError> {
        let group = Group { name: "quorum".into(), threshold, members: witnesses.iter().map(|witness| witness.name.clone()).collect() };
        let policy = Self {
            logs: logs.iter().map(|key| PolicyLog { key: key.clone(), url: None }).collect(),
            witnesses: witnesses.to_vec(),
            quorum: (threshold > 0).then(|| group.name.clone()),
            groups: if threshold > 0 { vec![group] } else { vec![] },
        };
        // The reader's rules are the writer's.
        Self::parse(policy.to_string())
    }

    /// Reads a policy file.
    pub fn parse(bytes: impl AsRef<[u8]>) -> Result<Self, PolicyError> {
        let bytes = bytes.as_ref();
        if bytes.len() > LARGEST_POLICY {
            return Err(PolicyError::Whole { reason: "it is larger than 64 KiB" });
        }
        let mut reader = Reader::default();
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let failed = |reason: String| PolicyError::Line { line: number + 1, reason };
            if line.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
                return Err(failed("it contains a control character".into()));
            }
            let words = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty());
            let words: Vec<&[u8]> = words.collect();
            if words.first().is_none_or(|word| word.starts_with(b"#")) {
                continue;
            }
            let words: Result<Vec<&str>, _> = words.into_iter().map(std::str::from_utf8).collect();
            reader.line(&words.map_err(|_| failed("it is not UTF-8".into()))?).map_err(failed)?;
        }
        reader.finish()
    }

    /// Weighs the signatures of a checkpoint. What its text says is for the caller to read.
    ///
    /// # Errors
    /// A wrong signature of a known log or witness condemns the note, as the
    /// signed-note format demands.
    pub fn weigh(&self, note: &Note) -> Result<Weighed<'_>, NoteError> {
        let mut logs = Vec::new();
        for log in &self.logs {
            match note.verify(std::slice::from_ref(&log.key)) {
                Ok(_) => logs.push(&log.key),
                Err(NoteError::NotSigned) => {}
                Err(other) => return Err(other),
            }
        }
        let mut cosigned = Vec::new();
        for witness in &self.witnesses {
            if let Some(time) = witness.key.cosigned(note)? {
                cosigned.push((witness, time));
            }
        }
        let names: BTreeSet<&str> = cosigned.iter().map(|(witness, _)| witness.name.as_str()).collect();
        Ok(Weighed { logs, cosigned, quorum: self.satisfied_by(&names) })
    }

    /// Whether the cosignatures of these witnesses, by their names in the policy, are enough.
    pub fn satisfied_by(&self, witnesses: &BTreeSet<&str>) -> bool {
        let Some(quorum) = &self.quorum else { return true };
        // Groups stand after their members, so one pass settles them all.
        let mut settled: BTreeMap<&str, bool> =
            self.witnesses.iter().map(|witness| (witness.name.as_str(), witnesses.contains(witness.name.as_str()))).collect();
        for group in &self.groups {
            let have = group.members.iter().filter(|name| settled.get(name.as_str()) == Some(&true)).count();
            settled.insert(&group.name, have >= group.threshold);
        }
        settled.get(quorum.as_str()) == Some(&true)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = |url: &Option<String>| url.as_ref().map(|url| format!(" {url}")).unwrap_or_default();
        for log in &self.logs {
            writeln!(f, "log {}{}", log.key, url(&log.url))?;
        }
        for witness in &self.witnesses {
            writeln!(f, "witness {} {}{}", witness.name, witness.key, url(&witness.url))?;
        }
        for group in &self.groups {
            writeln!(f, "group {} {} {}", group.name, group.threshold, group.members.join(" "))?;
        }
        writeln!(f, "quorum {}", self.quorum.as_deref().unwrap_or(NONE))
    }
}

/// A policy while it is read.
#[derive(Default)]
struct Reader {
    logs: Vec<PolicyLog>,
    witnesses: Vec<PolicyWitness>,
    groups: Vec<Group>,
    quorum: Option<Option<String>>,
    names: HashSet<String>,
    members: HashSet<String>,
}

impl Reader {
    fn line(&mut self, words: &[&str]) -> Result<(), String> {
        match words {
            ["log", key, url @ ..] if url.len() < 2 => self.log(key, url.first()),
            ["witness", name, key, url @ ..] if url.len() < 2 => self.witness(name, key, url.first()),
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            [word @ ("log" | "witness" | "group" | "quorum"), ..] => Err(format!("{word} has too many or too few words")),
            [word, ..] => Err(format!("{word:?} is not one of log, witness, group and quorum")),
            [] => Ok(()),
        }
    }

    fn log(&mut self, key: &str, url: Option<&&str>) -> Result<(), String> {
        let key: VerifierKey = key.parse().map_err(|error: NoteError| error.to_string())?;
        if self.logs.iter().any(|log| log.key.public_bytes() == key.public_bytes()) {
            return Err("another log has the same key".into());
        }
        bounded(self.logs.len(), "logs")?;
        self.logs.push(PolicyLog { key, url: url.map(|url| (*url).to_owned()) });
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&&str>) -> Result<(), String> {
        let key: WitnessKey = key.parse().map_err(|error: NoteError| error.to_string())?;
        if self.witnesses.iter().any(|witness| witness.key.public_bytes() == key.public_bytes()) {
            return Err("another witness has the same key".into());
        }
        bounded(self.witnesses.len(), "witnesses")?;
        self.define(name)?;
        self.witnesses.push(PolicyWitness { name: name.to_owned(), key, url: url.map(|url| (*url).to_owned()) });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), String> {
        let threshold = match threshold {
            "all" => members.len(),
            "any" => 1,
            number => super::checkpoint::parse_decimal(number).and_then(|number| number.try_into().ok()).unwrap_or(0),
        };
        if threshold == 0 || threshold > members.len() {
            return Err(format!("the group needs all, any, or a number from 1 to its {} members", members.len()));
        }
        bounded(self.groups.len(), "groups")?;
        for member in members {
            if !self.names.contains(*member) {
                return Err(format!("{member:?} is not defined above"));
            }
            if !self.members.insert((*member).to_owned()) {
                return Err(format!("{member:?} is a member already, and would count twice"));
            }
        }
        self.define(name)?;
        self.groups.push(Group { name: name.to_owned(), threshold, members: members.iter().map(|name| (*name).to_owned()).collect() });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("there is a quorum already".into());
        }
        if name != NONE && !self.names.contains(name) {
            return Err(format!("{name:?} is not defined above"));
        }
        self.quorum = Some((name != NONE).then(|| name.to_owned()));
        Ok(())
    }

    fn define(&mut self, name: &str) -> Result<(), String> {
        if name == NONE {
            return Err("\"none\" cannot be defined".into());
        }
        if self.names.insert(name.to_owned()) { Ok(()) } else { Err(format!("{name:?} is defined twice")) }
    }

    fn finish(self) -> Result<Policy, PolicyError> {
        let quorum = self.quorum.ok_or(PolicyError::Whole { reason: "it has no quorum line" })?;
        Ok(Policy { logs: self.logs, witnesses: self.witnesses, groups: self.groups, quorum })
    }
}

fn bounded(have: usize, what: &str) -> Result<(), String> {
    if have < MOST { Ok(()) } else { Err(format!("there are more than {MOST} {what}")) }
}

#[cfg(test)]
mod tests {
    use super::super::cosignature::CosignerKey;
    use super::super::note::SigningKey;
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 6] = ["X1", "X2", "X3", "Y1", "Y2", "Y3"];

    fn witness(number: usize) -> CosignerKey {
        CosignerKey::from_seed(&format!("witness.example/{number}"), &[number as u8 + 1; 32]).unwrap()
    }

    fn log() -> SigningKey {
        SigningKey::from_seed("saltmarsh.example/log", &[77; 32]).unwrap()
    }

    /// The example of the specification, with keys.
    fn specified() -> String {
        let keys: Vec<String> = (0..6).map(|number| witness(number).verifier().to_string()).collect();
        format!(
            "log {}\n\nwitness X1 {}\nwitness X2 {}\nwitness X3 {}\ngroup X-witnesses 2 X1 X2 X3\n\n\
             witness Y1 {}\nwitness Y2 {}\nwitness Y3 {}\ngroup Y-witnesses any Y1 Y2 Y3\n\n\
             group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
            log().verifier(),
            keys[0],
            keys[1],
            keys[2],
            keys[3],
            keys[4],
            keys[5]
        )
    }

    fn checkpoint(cosigners: &[usize]) -> Note {
        let mut note = log().sign("saltmarsh.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n").unwrap();
        for number in cosigners {
            note.add(witness(*number).cosign(&note.text, 1_800_000_000 + *number as u64).unwrap());
        }
        note
    }

    #[test]
    fn the_example_of_the_specification_needs_two_of_x_and_one_of_y() {
        let policy = Policy::parse(specified()).unwrap();
        for (cosigners, enough) in
            [(&[][..], false), (&[0, 1], false), (&[3, 4, 5], false), (&[0, 3], false), (&[0, 2, 4], true), (&[0, 1, 2, 3, 4, 5], true)]
        {
            let note = checkpoint(cosigners);
            let weighed = policy.weigh(&note).unwrap();
            assert_eq!((weighed.quorum, weighed.holds(&policy)), (enough, enough), "{cosigners:?}");
            let times: Vec<_> = weighed.cosigned.iter().map(|(witness, time)| (witness.name.as_str(), *time)).collect();
            assert_eq!(times, cosigners.iter().map(|n| (NAMES[*n], 1_800_000_000 + *n as u64)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_checkpoint_of_another_log_does_not_hold_however_many_cosigned() {
        let policy = Policy::parse(specified()).unwrap();
        let mut note = checkpoint(&[0, 1, 2, 3, 4, 5]);
        note.signatures.remove(0);
        let weighed = policy.weigh(&note).unwrap();
        assert!(weighed.quorum && weighed.logs.is_empty() && !weighed.holds(&policy));
        // Known from elsewhere, the log need not be named.
        let unnamed = Policy::parse(specified().lines().skip(1).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
        assert!(unnamed.weigh(&note).unwrap().holds(&unnamed));
    }

    #[test]
    fn a_wrong_signature_of_a_known_witness_condemns_and_one_of_a_stranger_says_nothing() {
        let policy = Policy::parse(specified()).unwrap();
        let mut note = checkpoint(&[0, 1, 3]);
        note.add(witness(50).cosign("another\n", 5).unwrap());
        assert!(policy.weigh(&note).unwrap().quorum);
        note.add(witness(2).cosign("another\n", 5).unwrap());
        assert!(policy.weigh(&note).is_err());
    }

    #[test]
    fn comments_blanks_and_spaces_are_passed_over() {
        let key = witness(0).verifier().to_string();
        let mut text =
            format!("# a policy\n\t # in Latin-1: caf\u{e9}\n\n \t witness\tA  {key}\thttps://w.example/ \nquorum A").into_bytes();
        let place = text.iter().position(|byte| *byte == 0xc3).unwrap();
        text.remove(place + 1);
        let policy = Policy::parse(&text).unwrap();
        assert_eq!(policy.witnesses[0].url.as_deref(), Some("https://w.example/"));
        assert_eq!(policy.quorum.as_deref(), Some("A"));
        assert!(Policy::parse("quorum none").unwrap().weigh(&checkpoint(&[])).unwrap().quorum);
    }

    #[test]
    fn what_could_be_misread_is_refused_with_its_line() {
        let (a, b) = (witness(0).verifier().to_string(), witness(1).verifier().to_string());
        let renamed = CosignerKey::from_seed("other", &[1; 32]).unwrap().verifier().to_string();
        let log = log().verifier().to_string();
        for (text, line) in [
            (format!("witness A {a}\nwitness A {b}\nquorum A\n"), 2),
            (format!("witness A {a}\nwitness B {renamed}\nquorum A\n"), 2),
            (format!("log {log}\nlog {log}\nquorum none\n"), 2),
            (format!("log {a}\nquorum none\n"), 1),
            (format!("witness A {log}\nquorum A\n"), 1),
            (format!("witness none {a}\nquorum none\n"), 1),
            ("quorum A\n".into(), 1),
            (format!("quorum A\nwitness A {a}\n"), 1),
            (format!("witness A {a}\nquorum A\nquorum none\n"), 3),
            (format!("witness A {a}\ngroup G 2 A\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup G 0 A\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup G 01 A\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup G any\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup G all A A\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup G all A none\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup G any A\ngroup H any A\nquorum G\n"), 3),
            (format!("witness A {a}\ngroup G any G\nquorum G\n"), 2),
            (format!("witness A {a}\ngroup A any A\nquorum A\n"), 2),
            (format!("witness A {a} u v\nquorum A\n"), 1),
            (format!("witness A {a}\r\nquorum A\r\n"), 1),
            ("witnes A\nquorum none\n".into(), 1),
        ] {
            assert!(matches!(Policy::parse(&text), Err(PolicyError::Line { line: found, .. }) if found == line), "{text}");
        }
        assert!(matches!(Policy::parse(format!("witness A {a}\n")), Err(PolicyError::Whole { .. })));
        assert!(matches!(Policy::parse(vec![b'#'; LARGEST_POLICY + 1]), Err(PolicyError::Whole { .. })));
    }

    #[test]
    fn a_policy_of_a_number_of_witnesses_is_one_that_can_be_written_down() {
        let witnesses: Vec<_> =
            (0..3).map(|n| PolicyWitness { name: NAMES[n].into(), key: witness(n).verifier().clone(), url: None }).collect();
        let policy = Policy::at_least(2, &[log().verifier().clone()], &witnesses).unwrap();
        assert!(!policy.weigh(&checkpoint(&[1])).unwrap().quorum && policy.weigh(&checkpoint(&[1, 2])).unwrap().quorum);
        assert_eq!(Policy::parse(policy.to_string()), Ok(policy));
        assert!(Policy::at_least(0, &[], &witnesses).unwrap().weigh(&checkpoint(&[])).unwrap().quorum);
        assert!(Policy::at_least(4, &[], &witnesses).is_err());
        let unfit = PolicyWitness { name: "two words".into(), ..witnesses[0].clone() };
        assert!(Policy::at_least(1, &[], &[unfit]).is_err());
    }

    proptest! {
        #[test]
        fn a_cut_or_mangled_policy_is_refused_or_survives_writing(cut in 0usize..900, at in 0usize..900, byte in any::<u8>()) {
            let mut bytes = specified().into_bytes();
            let place = at % bytes.len();
            bytes[place] = byte;
            for bytes in [&bytes[..], &bytes[..cut.min(bytes.len())]] {
                if let Ok(policy) = Policy::parse(bytes) {
                    prop_assert_eq!(Policy::parse(policy.to_string()), Ok(policy));
                }
            }
        }

        #[test]
        fn more_cosignatures_never_undo_a_quorum(have in prop::collection::btree_set(0usize..6, 0..6), more in 0usize..6) {
            let policy = Policy::parse(specified()).unwrap();
            let names = |set: &BTreeSet<usize>| set.iter().map(|n| NAMES[*n]).collect::<BTreeSet<_>>();
            let mut larger = have.clone();
            larger.insert(more);
            prop_assert!(!policy.satisfied_by(&names(&have)) || policy.satisfied_by(&names(&larger)));
        }
    }
}
