// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Asks an account whether a signature is its own
/// @notice Never deployed: it is the init code of an `eth_call`, and what it would
/// deploy is its answer, one word that is 1 or 0. So a bridge can ask an account
/// that does not exist yet (ERC-6492), with nothing of its own on the chain.
/// @dev Whatever account and factory do, the answer comes: each has a limit of gas,
/// and of what they return one word is read at most.
contract SignatureCheck {
    /// @dev What ERC-1271 has an account answer.
    bytes4 private constant VALID = 0x1626ba7e;

    uint256 private constant QUESTION_GAS = 3_000_000;
    uint256 private constant PREPARATION_GAS = 6_000_000;

    /// @param factory Called with `preparation` if the account does not accept the
    /// signature as things stand: it deploys the account, or readies it. Zero for none.
    constructor(
        address account,
        bytes32 hash,
        bytes memory signature,
        address factory,
        bytes memory preparation
    ) {
        bool valid = _accepts(account, hash, signature);
        if (!valid && factory != address(0)) {
            bool prepared;
            assembly ("memory-safe") {
                prepared := call(PREPARATION_GAS, factory, 0, add(preparation, 32), mload(preparation), 0, 0)
            }
            valid = prepared && _accepts(account, hash, signature);
        }
        assembly ("memory-safe") {
            mstore(0, valid)
            return(0, 32)
        }
    }

    function _accepts(address account, bytes32 hash, bytes memory signature) private view returns (bool) {
        // A call to an account without code succeeds, and says nothing.
        if (account.code.length == 0) return false;

        bytes memory question = abi.encodeWithSelector(VALID, hash, signature);
        bytes32 answer;
        bool answered;
        assembly ("memory-safe") {
            mstore(0, 0)
            answered := staticcall(QUESTION_GAS, account, add(question, 32), mload(question), 0, 32)
            answered := and(answered, gt(returndatasize(), 31))
            answer := mload(0)
        }
        return answered && answer == bytes32(VALID);
    }
}
