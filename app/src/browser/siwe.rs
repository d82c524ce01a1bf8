//! The sentence a wallet signs to prove who is at the keyboard (EIP-4361). It moves nothing and costs nothing.

use crate::components::iso;

/// How long a signed message may be used to start a session, in seconds.
const VALID_FOR: u64 = 600;

/// What the message binds.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// Host and port of this site.
    pub domain: &'a str,
    pub uri: &'a str,
    /// EIP-55 mixed case.
    pub address: &'a str,
    pub chain_id: u64,
    pub nonce: &'a str,
    /// Reader's clock, unix seconds.
    pub now: u64,
}

impl SignIn<'_> {
    pub fn message(&self) -> String {
        let Self { domain, uri, address, chain_id, nonce, now } = self;
        format!(
            "{domain} wants you to sign in with your Ethereum account:\n{address}\n\n\
             Sign in to Wherefore to keep drafts. This moves nothing and costs nothing.\n\n\
             URI: {uri}\nVersion: 1\nChain ID: {chain_id}\nNonce: {nonce}\nIssued At: {}\nExpiration Time: {}",
            iso(*now),
            iso(now + VALID_FOR)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_has_the_lines_that_eip_4361_wants() {
        let message =
            SignIn { domain: "a.example", uri: "https://a.example", address: "0xAb", chain_id: 31337, nonce: "abcdefgh", now: 0 }.message();
        let lines: Vec<&str> = message.lines().collect();
        assert_eq!(lines[0], "a.example wants you to sign in with your Ethereum account:");
        assert_eq!(lines[1], "0xAb");
        assert_eq!(
            &lines[5..],
            [
                "URI: https://a.example",
                "Version: 1",
                "Chain ID: 31337",
                "Nonce: abcdefgh",
                "Issued At: 1970-01-01T00:00:00Z",
                "Expiration Time: 1970-01-01T00:10:00Z"
            ]
        );
    }
}
