//! Why a wallet or the chain said no, in one plain sentence.

use governance::onchain::{U256, hex, keccak256};

/// What an EIP-1193 provider rejects with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    pub code: i64,
    pub message: String,
    /// Revert bytes, 0x-hex.
    pub data: Option<String>,
}

impl RpcError {
    /// True when the chain is not one the wallet knows, so that it could be added.
    pub fn is_unknown_chain(&self) -> bool {
        self.code == 4902 || self.message.contains("4902") || self.message.contains("Unrecognized chain")
    }

    pub fn sentence(&self) -> String {
        if let Some(told) = self.data.as_deref().and_then(revert_in_words) {
            return told;
        }
        match self.code {
            4001 => "You declined it in the wallet. Nothing was sent.".into(),
            4100 => "The wallet has not allowed this site to use that account.".into(),
            4900 | 4901 => "The wallet is not connected.".into(),
            -32002 => "The wallet is already asking you something; look at its window.".into(),
            _ if self.message.is_empty() => "The wallet refused without saying why.".into(),
            _ => format!("The wallet answered: {}", self.message.trim_end_matches('.')) + ".",
        }
    }
}

type Words<'a> = &'a [U256];

/// Errors a member can meet, with what each argument word means. Signatures are those of OpenZeppelin 5 and of our registry.
type InWords = fn(Words) -> String;

const KNOWN: [(&str, InWords); 13] = [
    ("GovernorAlreadyCastVote(address)", |_| "This account has voted on this proposal already; a vote cannot be changed.".into()),
    ("GovernorInvalidVoteType()", |_| "The governor does not know that kind of vote.".into()),
    ("GovernorNonexistentProposal(uint256)", |_| "The governor does not know this proposal.".into()),
    ("GovernorUnexpectedProposalState(uint256,uint8,bytes32)", |words| {
        match words.get(1).and_then(|state| u8::try_from(*state).ok()).and_then(governance::proposal::ProposalState::from_chain) {
            Some(state) => format!("The proposal is {} now, so the governor refuses this.", state.name()),
            None => "The proposal is in a state in which the governor refuses this.".into(),
        }
    }),
    ("GovernorInsufficientProposerVotes(address,uint256,uint256)", |words| {
        let amount = |index: usize| words.get(index).map_or_else(String::new, |amount| super::calls::whole_tokens(*amount));
        format!(
            "This account has {} votes; proposing needs {}. Votes count once they are delegated, to yourself or to another.",
            amount(1),
            amount(2)
        )
    }),
    ("GovernorRestrictedProposer(address)", |_| {
        "The text names another account as its proposer, so only that account may propose it.".into()
    }),
    ("GovernorInvalidProposalLength(uint256,uint256,uint256)", |_| "The proposal has no calls, or lists of unequal length.".into()),
    ("ERC5805FutureLookup(uint256,uint48)", |_| "Votes are counted at a moment that has not come yet; try again in a minute.".into()),
    ("ParameterRegistryStale(bytes32,bytes32,bytes32)", |_| "The parameters have changed since this was drafted.".into()),
    ("ParameterRegistryUnauthorized(address,address)", |_| "Only the timelock may change parameters.".into()),
    ("TimelockUnexpectedOperationState(bytes32,bytes32)", |_| "The timelock is not ready for this operation.".into()),
    ("ERC20InsufficientBalance(address,uint256,uint256)", |_| "The account holds too few tokens for this.".into()),
    ("ERC20InsufficientAllowance(address,uint256,uint256)", |_| "The account was not allowed to move that many tokens.".into()),
];

/// Tells revert bytes in words; `None` when nobody here knows them.
pub fn revert_in_words(data: &str) -> Option<String> {
    let bytes = hex::decode(data).ok()?;
    let (selector, rest) = bytes.split_first_chunk::<4>()?;
    let words: Vec<U256> = rest.chunks_exact(32).map(U256::from_be_slice).collect();
    if *selector == [0x08, 0xc3, 0x79, 0xa0] {
        let length = usize::try_from(*words.get(1)?).ok()?;
        let text = rest.get(64..64usize.checked_add(length)?)?;
        return Some(format!("The contract refused: {}.", String::from_utf8_lossy(text)));
    }
    if *selector == [0x4e, 0x48, 0x7b, 0x71] {
        return Some("The contract stopped on an internal check.".into());
    }
    KNOWN.iter().find(|(signature, _)| keccak256(signature)[..4] == selector[..]).map(|(_, told)| told(&words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejected_request_is_no_error_of_ours() {
        let refused = RpcError { code: 4001, message: "User rejected".into(), data: None };
        assert_eq!(refused.sentence(), "You declined it in the wallet. Nothing was sent.");
    }

    #[test]
    fn a_revert_is_told_in_words() {
        let selector = hex::encode(&keccak256("GovernorUnexpectedProposalState(uint256,uint8,bytes32)")[..4]);
        let data = format!("0x{selector}{:064x}{:064x}{:064x}", 7, 3, 0);
        assert_eq!(revert_in_words(&data).unwrap(), "The proposal is defeated now, so the governor refuses this.");
    }

    #[test]
    fn a_reason_string_is_repeated() {
        let data = format!("0x08c379a0{:064x}{:064x}{:0<64}", 32, 2, "6e6f");
        assert_eq!(revert_in_words(&data).unwrap(), "The contract refused: no.");
    }

    #[test]
    fn cut_off_revert_bytes_say_nothing() {
        assert_eq!(revert_in_words("0x08c379a0"), None);
        assert_eq!(revert_in_words("0x12"), None);
    }
}
