//! Calldata for what a member's wallet sends or asks, and answers read back. Shapes come from `governance::onchain::abi`.

use governance::onchain::{
    Address, B256, SolCall, U256,
    abi::{Governor, LogAnchor, ValidationRegistry, VoteToken},
    hex,
};

/// How a vote counts; the numbers are `GovernorCountingSimple`'s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Against = 0,
    For = 1,
    Abstain = 2,
}

impl Support {
    pub const ALL: [Self; 3] = [Self::For, Self::Against, Self::Abstain];

    pub fn name(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
            Self::Abstain => "abstain",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::For => "For",
            Self::Against => "Against",
            Self::Abstain => "Abstain",
        }
    }
}

fn data(call: impl SolCall) -> String {
    hex::encode_prefixed(call.abi_encode())
}

/// `None` when the id is not a decimal uint256.
pub fn cast_vote(proposal_id: &str, support: Support, reason: &str) -> Option<String> {
    let proposal_id = proposal_id.parse::<U256>().ok()?;
    let support = support as u8;
    Some(if reason.trim().is_empty() {
        data(Governor::castVoteCall { proposalId: proposal_id, support })
    } else {
        data(Governor::castVoteWithReasonCall { proposalId: proposal_id, support, reason: reason.trim().to_owned() })
    })
}

pub fn delegate(delegatee: &str) -> Option<String> {
    Some(data(VoteToken::delegateCall { delegatee: delegatee.parse().ok()? }))
}

pub fn delegates(account: &str) -> Option<String> {
    Some(data(VoteToken::delegatesCall { account: account.parse().ok()? }))
}

pub fn votes(account: &str) -> Option<String> {
    Some(data(VoteToken::getVotesCall { account: account.parse().ok()? }))
}

pub fn past_votes(account: &str, timepoint: u64) -> Option<String> {
    Some(data(VoteToken::getPastVotesCall { account: account.parse().ok()?, timepoint: U256::from(timepoint) }))
}

pub fn balance(account: &str) -> Option<String> {
    Some(data(VoteToken::balanceOfCall { account: account.parse().ok()? }))
}

/// Asks a `LogAnchor` for the root that an account anchored; `origin` is the hash of the log's origin.
pub fn anchored_root(account: &str, origin: &str, size: u64) -> Option<String> {
    Some(data(LogAnchor::rootOfCall { account: account.parse().ok()?, origin: origin.parse().ok()?, size }))
}

/// Publishes a verdict on a decision; `response` is 0 to 100 and `report` the address of the reasons, or empty.
pub fn publish_verdict(digest: &str, response: u8, report: &str) -> Option<String> {
    Some(data(ValidationRegistry::validationResponseCall {
        requestHash: digest.parse().ok()?,
        response,
        responseURI: report.to_owned(),
        responseHash: B256::ZERO,
        tag: B256::ZERO,
    }))
}

/// The one word that an answer consists of.
pub fn word(answer: &str) -> Option<U256> {
    let bytes: [u8; 32] = hex::decode(answer).ok()?.try_into().ok()?;
    Some(U256::from_be_bytes(bytes))
}

/// Whether an answer is the zero address: delegated to nobody.
pub fn is_nobody(answer: &str) -> bool {
    word(answer).is_some_and(|word| word.is_zero())
}

/// Mixed-case form of an address, as EIP-4361 wants it.
pub fn checksum(address: &str) -> Option<String> {
    Some(address.parse::<Address>().ok()?.to_checksum(None))
}

/// Amounts of 18-decimal tokens for people: whole tokens with separators, and up to two places where there are any.
pub fn whole_tokens(amount: U256) -> String {
    let unit = U256::from(10u64).pow(U256::from(18u64));
    let hundredths = (amount % unit) / (unit / U256::from(100u64));
    let digits = (amount / unit).to_string();
    let mut whole = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            whole.push(',');
        }
        whole.push(digit);
    }
    if hundredths.is_zero() { whole } else { format!("{whole}.{hundredths:0>2}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vote_without_a_reason_is_the_shorter_call() {
        assert!(cast_vote("5", Support::For, " ").unwrap().starts_with("0x56781388"));
        assert!(cast_vote("5", Support::For, "Good").unwrap().starts_with("0x7b3c71d3"));
        assert_eq!(cast_vote("five", Support::For, ""), None);
    }

    #[test]
    fn questions_to_the_log_are_put_as_its_contracts_read_them() {
        let (account, origin) = (format!("0x{}", "11".repeat(20)), format!("0x{}", "22".repeat(32)));
        let asked = anchored_root(&account, &origin, 7).unwrap();
        assert_eq!(asked, format!("0x{}{:0>64}{}{:064x}", selector("rootOf(address,bytes32,uint64)"), "11".repeat(20), "22".repeat(32), 7));
        let said = publish_verdict(&origin, 50, "https://a.example/b").unwrap();
        assert!(said.starts_with(&format!(
            "0x{}{}{:064x}{:064x}",
            selector("validationResponse(bytes32,uint8,string,bytes32,bytes32)"),
            "22".repeat(32),
            50,
            160
        )));
        assert!(said.contains(&hex::encode("https://a.example/b")));
        assert_eq!(publish_verdict("0x12", 50, ""), None);
    }

    fn selector(signature: &str) -> String {
        hex::encode(&governance::onchain::keccak256(signature)[..4])
    }

    #[test]
    fn tokens_are_said_as_people_write_them() {
        let tokens = |milli: u64| whole_tokens(U256::from(milli) * U256::from(10u64).pow(U256::from(15u64)));
        assert_eq!(tokens(0), "0");
        assert_eq!(tokens(12_400_000), "12,400");
        assert_eq!(tokens(1_250_500), "1,250.5");
        assert_eq!(tokens(50), "0.05");
    }

    #[test]
    fn nobody_is_the_zero_word() {
        assert!(is_nobody(&format!("0x{}", "0".repeat(64))));
        assert!(!is_nobody("0x"));
    }
}
