// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LogAnchor} from "../../src/LogAnchor.sol";
import {Base} from "../Base.sol";

/// @dev Accounts that anchor whatever they like, in any order, and an account of what must stand afterwards.
contract Anchorers is Base {
    LogAnchor public immutable anchors = new LogAnchor();

    uint256 public constant ACCOUNTS = 3;
    uint64 public constant SIZES = 12;

    mapping(address account => mapping(bytes32 origin => mapping(uint64 size => bytes32))) public first;
    mapping(address account => mapping(bytes32 origin => uint64)) public largest;
    uint256 public kept;
    uint256 public refused;
    uint256 public brokenRules;

    function account(uint256 any) public pure returns (address) {
        return address(uint160(0xACC0 + any % ACCOUNTS));
    }

    function origin(uint256 any) public pure returns (bytes32) {
        return sha256(any % 2 == 0 ? bytes("one.example/log") : bytes("two.example/log"));
    }

    function anchor(uint256 who, uint256 which, uint64 anySize, uint256 anyRoot) external {
        (address a, bytes32 o, uint64 size) = (account(who), origin(which), anySize % (SIZES + 1));
        bytes32 root = bytes32(anyRoot % 3);
        bytes32 before = first[a][o][size];
        bool allowed = size != 0 && root != 0 && (before == 0 || before == root);
        vm.prank(a);
        try anchors.anchor(o, size, root) {
            if (!allowed) ++brokenRules;
            if (before == 0) ++kept;
            first[a][o][size] = root;
            if (size > largest[a][o]) largest[a][o] = size;
        } catch {
            if (allowed) ++brokenRules;
            ++refused;
        }
    }
}

contract LogAnchorInvariants is Base {
    Anchorers private anchorers;
    LogAnchor private anchors;

    function setUp() public {
        anchorers = new Anchorers();
        anchors = anchorers.anchors();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(anchorers);
    }

    /// @dev Every root is the first that its own account gave for its size, whatever the others did.
    function invariant_the_first_root_of_every_size_stands() public view {
        for (uint256 a = 0; a < anchorers.ACCOUNTS(); ++a) {
            for (uint256 o = 0; o < 2; ++o) {
                (address account, bytes32 origin) = (anchorers.account(a), anchorers.origin(o));
                for (uint64 size = 0; size <= anchorers.SIZES(); ++size) {
                    assertEq(anchors.rootOf(account, origin, size), anchorers.first(account, origin, size));
                }
            }
        }
    }

    function invariant_the_latest_is_the_largest() public view {
        for (uint256 a = 0; a < anchorers.ACCOUNTS(); ++a) {
            for (uint256 o = 0; o < 2; ++o) {
                (address account, bytes32 origin) = (anchorers.account(a), anchorers.origin(o));
                (uint64 size, bytes32 root) = anchors.latest(account, origin);
                assertEq(size, anchorers.largest(account, origin));
                assertEq(root, anchorers.first(account, origin, size));
            }
        }
    }

    function invariant_nothing_is_refused_or_taken_against_the_rules() public view {
        assertEq(anchorers.brokenRules(), 0);
    }

    /// @dev Invariants of a story in which nothing happens would say nothing.
    function test_many_are_kept_and_many_refused() public {
        for (uint256 i = 0; i < 300; ++i) {
            uint256 any = uint256(keccak256(abi.encode(i)));
            anchorers.anchor(any, any >> 8, uint64(any >> 16), any >> 80);
        }
        assertTrue(anchorers.kept() >= 40, "kept");
        assertTrue(anchorers.refused() >= 40, "refused");
        assertEq(anchorers.brokenRules(), 0);
    }
}
