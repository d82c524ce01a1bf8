// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @dev The part of Forge's cheat codes that these tests use.
interface Vm {
    struct Log {
        bytes32[] topics;
        bytes data;
        address emitter;
    }

    function assume(bool condition) external pure;
    function cool(address account) external;
    function deal(address account, uint256 balance) external;
    function expectEmit(address emitter) external;
    function expectRevert(bytes calldata data) external;
    function expectPartialRevert(bytes4 selector) external;
    function getRecordedLogs() external returns (Log[] memory);
    function keyExistsJson(string calldata json, string calldata path) external view returns (bool);
    function parseJsonBytes(string calldata json, string calldata path) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata path) external pure returns (bytes32);
    function parseJsonBytes32Array(string calldata json, string calldata path) external pure returns (bytes32[] memory);
    function parseJsonString(string calldata json, string calldata path) external pure returns (string memory);
    function parseJsonUint(string calldata json, string calldata path) external pure returns (uint256);
    function prank(address sender) external;
    function readFile(string calldata path) external view returns (string memory);
    function recordLogs() external;
    function store(address account, bytes32 slot, bytes32 value) external;
    function toString(uint256 value) external pure returns (string memory);
    function warp(uint256 timestamp) external;
}

/// @title What every test stands on
/// @dev A cheat-code handle and a few assertions; there is no such library on npm.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    event log_named_uint(string name, uint256 value);

    error Unequal(bytes left, bytes right);
    error Untrue(string what);

    function assertTrue(bool condition, string memory what) internal pure {
        if (!condition) revert Untrue(what);
    }

    function assertEq(uint256 left, uint256 right) internal pure {
        if (left != right) revert Unequal(abi.encode(left), abi.encode(right));
    }

    function assertEq(int256 left, int256 right) internal pure {
        if (left != right) revert Unequal(abi.encode(left), abi.encode(right));
    }

    function assertEq(bytes32 left, bytes32 right) internal pure {
        if (left != right) revert Unequal(abi.encode(left), abi.encode(right));
    }

    function assertEq(address left, address right) internal pure {
        if (left != right) revert Unequal(abi.encode(left), abi.encode(right));
    }

    function assertEq(bytes memory left, bytes memory right) internal pure {
        if (keccak256(left) != keccak256(right)) revert Unequal(left, right);
    }

    function assertEq(string memory left, string memory right) internal pure {
        assertEq(bytes(left), bytes(right));
    }

    /// @dev Brings any number into a range, evenly enough for a test.
    function between(uint256 any, uint256 min, uint256 max) internal pure returns (uint256) {
        uint256 span = max - min;
        return span == type(uint256).max ? any : min + any % (span + 1);
    }

    /// @dev How many of `logs` `emitter` wrote with this first topic.
    function count(Vm.Log[] memory logs, address emitter, bytes32 topic) internal pure returns (uint256 found) {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter == emitter && logs[i].topics[0] == topic) ++found;
        }
    }
}
