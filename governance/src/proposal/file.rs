//! A proposal as a file: what `wherefore ids` reads and answers.

use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use super::{description_hash, operation_id, proposal_id, salt_v4, salt_v5};

/// `{"governor","targets","values","calldatas","description"}`, or `descriptionHash` in place of the text. Other members are ignored.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalFile {
    pub governor: Address,
    pub targets: Vec<Address>,
    #[serde(deserialize_with = "amounts")]
    pub values: Vec<U256>,
    pub calldatas: Vec<Bytes>,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub description_hash: Option<B256>,
}

/// Accepts decimal strings, 0x-hex strings and plain JSON integers.
fn amounts<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<U256>, D::Error> {
    use serde::de::Error;
    Vec::<serde_json::Value>::deserialize(from)?
        .iter()
        .map(|found| {
            let text = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
            text.parse::<U256>().map_err(|_| D::Error::custom(format!("values: {text} is not an unsigned 256-bit integer")))
        })
        .collect()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProposalIds {
    /// Decimal.
    pub proposal_id: String,
    pub description_hash: B256,
    pub operation_id: OperationIds,
}

/// One operation under the salt rules of OpenZeppelin 4.x and 5.x.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationIds {
    pub v4: B256,
    pub v5: B256,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("targets, values and calldatas must be equally many; found {0}, {1} and {2}")]
    Lengths(usize, usize, usize),
    #[error("neither description nor descriptionHash is there; one of them is needed")]
    NoDescription,
    #[error("descriptionHash {found} is not the hash of the description, which is {actual}")]
    HashMismatch { found: B256, actual: B256 },
}

impl ProposalFile {
    /// # Errors
    /// When the lists differ in length, or the text and its hash are both missing or disagree.
    pub fn ids(&self) -> Result<ProposalIds, FileError> {
        let (targets, values, calldatas) = (self.targets.len(), self.values.len(), self.calldatas.len());
        if targets != values || values != calldatas {
            return Err(FileError::Lengths(targets, values, calldatas));
        }
        let hash = match (&self.description, self.description_hash) {
            (None, None) => return Err(FileError::NoDescription),
            (None, Some(hash)) => hash,
            (Some(text), given) => {
                let actual = description_hash(text);
                if let Some(found) = given.filter(|found| *found != actual) {
                    return Err(FileError::HashMismatch { found, actual });
                }
                actual
            }
        };
        let operation = |salt| operation_id(&self.targets, &self.values, &self.calldatas, salt);
        Ok(ProposalIds {
            proposal_id: proposal_id(&self.targets, &self.values, &self.calldatas, hash).to_string(),
            description_hash: hash,
            operation_id: OperationIds { v4: operation(salt_v4(hash)), v5: operation(salt_v5(self.governor, hash)) },
        })
    }
}
