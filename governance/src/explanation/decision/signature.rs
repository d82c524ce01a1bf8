//! Who can say whether a record's signature holds: arithmetic, a contract, or a contract that is yet to be deployed.
//!
//! A key's signature is checked here. A contract account's (ERC-1271) is a question to its `isValidSignature`, and one
//! made before the account exists (ERC-6492) first needs the account's factory; both calls are left to whoever has a
//! chain to ask.

use super::{DecisionError, RecordSignature};
use alloy_primitives::{Address, B256, Bytes, b256};
use alloy_sol_types::SolValue;
use k256::ecdsa::{RecoveryId, Signature, VerifyingKey};

/// The longest signature that is read, in bytes. Contract accounts may combine those of many owners.
pub const MAX_SIGNATURE_BYTES: usize = 16 * 1024;

/// The last 32 bytes of a signature wrapped after ERC-6492.
const WRAPPED: B256 = b256!("6492649264926492649264926492649264926492649264926492649264926492");

/// Which check a signature needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureKind {
    /// Made by the key of an externally owned account: recover the signer. r, s and v, 65 bytes.
    Eoa { signature: Bytes },
    /// Ask the signer's contract: `isValidSignature(signing hash, signature)` must answer `0x1626ba7e`.
    Contract { signature: Bytes },
    /// The same, but where the signer has no code yet, `calldata` sent to `factory` gives it some.
    Counterfactual { factory: Address, calldata: Bytes, signature: Bytes },
}

impl RecordSignature {
    /// Which check this signature needs, or why it is none.
    ///
    /// As ERC-6492 demands, the wrapping is looked for first.
    pub fn kind(&self) -> Result<SignatureKind, DecisionError> {
        let wrong = |field: &str, reason: &str| Err(DecisionError::field(format!("signature.{field}"), reason));
        match self.scheme.as_str() {
            "eip712" if self.value.len() != 65 => wrong("value", "it is not 65 bytes"),
            "eip712" => Ok(SignatureKind::Eoa { signature: self.value.clone() }),
            "eip1271" if self.value.is_empty() => wrong("value", "it is empty"),
            "eip1271" if self.value.len() > MAX_SIGNATURE_BYTES => {
                wrong("value", &format!("it is longer than {MAX_SIGNATURE_BYTES} bytes"))
            }
            "eip1271" => match self.value.strip_suffix(WRAPPED.as_slice()) {
                None => Ok(SignatureKind::Contract { signature: self.value.clone() }),
                Some(wrapped) => unwrap(wrapped).map_or_else(
                    || wrong("value", "it ends as ERC-6492 says, but does not hold a factory, its calldata and a signature"),
                    Ok,
                ),
            },
            _ => wrong("scheme", "it is neither eip712 nor eip1271"),
        }
    }
}

fn unwrap(wrapped: &[u8]) -> Option<SignatureKind> {
    let (factory, calldata, signature) = <(Address, Bytes, Bytes)>::abi_decode_params_validate(wrapped).ok()?;
    Some(SignatureKind::Counterfactual { factory, calldata, signature })
}

/// The account whose key made the 65 bytes r, s, v over a hash.
pub(crate) fn recover(signature: &[u8], hash: B256) -> Result<Address, DecisionError> {
    let invalid = |reason: &str| DecisionError::Signature { reason: reason.into() };
    let (rs, v) = match signature {
        [rs @ .., v] if rs.len() == 64 => (rs, *v),
        _ => return Err(invalid("it is not 65 bytes")),
    };
    let parity = match v {
        0 | 27 => false,
        1 | 28 => true,
        _ => return Err(invalid("its v is none of 0, 1, 27 and 28")),
    };
    let rs = Signature::from_slice(rs).map_err(|_| invalid("its r or s is out of range"))?;
    // Every signature has a twin with a high s; accepting both would give one decision two signatures.
    if rs.normalize_s().is_some() {
        return Err(invalid("its s is in the upper half"));
    }
    let key = VerifyingKey::recover_from_prehash(hash.as_slice(), &rs, RecoveryId::new(parity, false))
        .map_err(|_| invalid("no key could have made it"))?;
    Ok(Address::from_raw_public_key(&key.to_encoded_point(false).as_bytes()[1..]))
}

#[cfg(test)]
mod tests {
    use super::super::tests::record;
    use super::*;
    use proptest::prelude::*;

    fn signature(scheme: &str, value: impl Into<Vec<u8>>) -> RecordSignature {
        RecordSignature { scheme: scheme.into(), signer: Address::repeat_byte(1), value: value.into().into() }
    }

    fn wrapped(factory: Address, calldata: &[u8], inner: &[u8]) -> Vec<u8> {
        let parts = (factory, Bytes::copy_from_slice(calldata), Bytes::copy_from_slice(inner));
        [parts.abi_encode_params().as_slice(), WRAPPED.as_slice()].concat()
    }

    #[test]
    fn a_key_signs_with_65_bytes_and_a_contract_with_any() {
        assert!(matches!(signature("eip712", [1; 65]).kind(), Ok(SignatureKind::Eoa { .. })));
        assert!(signature("eip712", [1; 64]).kind().is_err());
        for length in [1, 65, 130, MAX_SIGNATURE_BYTES] {
            let kind = signature("eip1271", vec![7; length]).kind().unwrap();
            assert_eq!(kind, SignatureKind::Contract { signature: vec![7; length].into() });
        }
        for (wrong, reason) in [
            (signature("eip1271", []), "signature.value: it is empty"),
            (signature("eip1271", vec![7; MAX_SIGNATURE_BYTES + 1]), "signature.value: it is longer than 16384 bytes"),
            (signature("eip191", [1; 65]), "signature.scheme: it is neither eip712 nor eip1271"),
        ] {
            assert_eq!(wrong.kind().unwrap_err().to_string(), reason);
        }
    }

    #[test]
    fn a_wrapped_signature_names_the_factory_of_an_account_that_is_not_there_yet() {
        let factory = Address::repeat_byte(9);
        let kind = signature("eip1271", wrapped(factory, b"create", &[3; 65])).kind().unwrap();
        let expected = SignatureKind::Counterfactual { factory, calldata: b"create".into(), signature: vec![3; 65].into() };
        assert_eq!(kind, expected);
    }

    #[test]
    fn what_only_ends_like_a_wrapping_is_refused() {
        let good = wrapped(Address::repeat_byte(9), b"create", &[3; 65]);
        let mut far = good.clone();
        far[32..64].fill(0xff);
        let cut = [&good[..64], WRAPPED.as_slice()].concat();
        for wrong in [WRAPPED.to_vec(), cut, far] {
            let refusal = signature("eip1271", wrong).kind().unwrap_err().to_string();
            assert!(refusal.starts_with("signature.value: it ends as ERC-6492 says"), "{refusal}");
        }
    }

    #[test]
    fn a_record_signed_by_a_contract_is_read_but_has_no_key() {
        let mut signed = record();
        signed.signature = Some(signature("eip1271", wrapped(Address::repeat_byte(9), b"create", &[3; 65])));
        let read = super::super::DecisionRecord::parse(&serde_json::to_vec(&signed).unwrap()).unwrap();
        assert_eq!(read, signed);
        assert_eq!(read.signer(1, Address::ZERO), Err(DecisionError::NeedsChain));
        assert_eq!(record().signature_kind(), Err(DecisionError::Unsigned));
    }

    proptest! {
        #[test]
        fn any_bytes_before_the_suffix_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let wrapped = [bytes.as_slice(), WRAPPED.as_slice()].concat();
            let _ = signature("eip1271", wrapped).kind();
        }
    }
}
