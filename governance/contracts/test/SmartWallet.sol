// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title A contract account with one owner, as ERC-1271 has it
contract SmartWallet {
    address private immutable _owner;

    constructor(address owner) {
        _owner = owner;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer =
            ecrecover(hash, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == _owner ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}

/// @title Deploys wallets to addresses that are known before (CREATE2)
contract SmartWalletFactory {
    function create(address owner, bytes32 salt) external returns (address) {
        return address(new SmartWallet{salt: salt}(owner));
    }
}

/// @title An account that answers in ways it should not
contract AwkwardWallet {
    uint256 private immutable _habit;

    constructor(uint256 habit) {
        _habit = habit;
    }

    fallback() external {
        bytes32 word = bytes32(bytes4(0x1626ba7e));
        uint256 habit = _habit;
        assembly {
            switch habit
            // The right word, but as a refusal.
            case 0 {
                mstore(0, word)
                revert(0, 32)
            }
            // Only the four bytes that count.
            case 1 {
                mstore(0, word)
                return(0, 4)
            }
            // The right bytes at the wrong end.
            case 2 {
                mstore(0, shr(224, word))
                return(0, 32)
            }
            // The right bytes, and more behind them.
            case 3 {
                mstore(0, or(word, 1))
                return(0, 32)
            }
            // Works for ever.
            case 4 { for {} 1 {} {} }
            // A flood, which costs whoever copies it.
            case 5 { return(0, 400000) }
            // Nothing.
            case 6 { return(0, 0) }
            // An answer that is as it should be.
            default {
                mstore(0, word)
                return(0, 32)
            }
        }
    }
}
