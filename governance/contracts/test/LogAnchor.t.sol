// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LogAnchor} from "../src/LogAnchor.sol";
import {Base, Vm} from "./Base.sol";

contract LogAnchorTest is Base {
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    // The SHA-256 of saltmarsh.example/log, spelled out: working it out is a call, which would use up a prank.
    bytes32 private constant ORIGIN = 0x5bd8b9cef26b766dcbc3dcca5228411b6beba043b9f6e301a75e73ab9f102eda;

    LogAnchor private anchors;
    string private json;

    function setUp() public {
        anchors = new LogAnchor();
        json = vm.readFile("test/vectors/log.json");
    }

    // Anchoring

    function testFuzz_the_first_root_of_a_size_holds(uint64 size, bytes32 root, bytes32 other) public {
        vm.assume(size != 0 && root != 0 && other != 0 && root != other);
        vm.expectEmit(address(anchors));
        emit LogAnchor.Anchored(ALICE, ORIGIN, size, root);
        put(ALICE, size, root);
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(LogAnchor.LogAnchorConflict.selector, ALICE, ORIGIN, size, root, other)
        );
        anchors.anchor(ORIGIN, size, other);
        assertEq(anchors.rootOf(ALICE, ORIGIN, size), root);
    }

    function test_the_same_root_again_changes_nothing_and_says_nothing() public {
        put(ALICE, 5, "root");
        vm.recordLogs();
        put(ALICE, 5, "root");
        assertEq(vm.getRecordedLogs().length, 0);
    }

    function test_sizes_may_come_in_any_order_and_the_largest_is_the_latest() public {
        (uint64 size, bytes32 root) = anchors.latest(ALICE, ORIGIN);
        assertEq(size, 0);
        assertEq(root, 0);
        put(ALICE, 9, "nine");
        put(ALICE, 4, "four");
        (size, root) = anchors.latest(ALICE, ORIGIN);
        assertEq(size, 9);
        assertEq(root, "nine");
        assertEq(anchors.rootOf(ALICE, ORIGIN, 4), "four");
        assertEq(anchors.rootOf(ALICE, ORIGIN, 5), 0);
    }

    function test_nobody_blocks_another_and_logs_do_not_mix() public {
        put(BOB, 5, "forged");
        put(ALICE, 5, "true");
        assertEq(anchors.rootOf(ALICE, ORIGIN, 5), "true");
        assertEq(anchors.rootOf(BOB, ORIGIN, 5), "forged");
        assertEq(anchors.rootOf(ALICE, sha256("other.example/log"), 5), 0);
    }

    function test_an_empty_log_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorEmpty.selector, 0, bytes32("root")));
        anchors.anchor(ORIGIN, 0, "root");
        vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorEmpty.selector, 1, bytes32(0)));
        anchors.anchor(ORIGIN, 1, 0);
    }

    function test_a_key_is_announced_by_the_account_it_is_of() public {
        vm.expectEmit(address(anchors));
        emit LogAnchor.KeyAnnounced(ALICE, ORIGIN, "key");
        vm.prank(ALICE);
        anchors.announceKey(ORIGIN, "key");
        assertEq(anchors.keyOf(ALICE, ORIGIN), "key");
        assertEq(anchors.keyOf(BOB, ORIGIN), 0);
        vm.prank(ALICE);
        anchors.announceKey(ORIGIN, "next");
        assertEq(anchors.keyOf(ALICE, ORIGIN), "next");
    }

    // Inclusion

    function test_every_proof_that_the_log_makes_holds() public {
        uint256 cases = 0;
        while (vm.keyExistsJson(json, nth("inclusions", cases))) {
            string memory where = nth("inclusions", cases++);
            put(ALICE, sizeIn(where), word(where, ".root"));
            anchors.requireLogged(ALICE, ORIGIN, word(where, ".leaf"), indexIn(where), sizeIn(where), proofIn(where));
        }
        assertTrue(cases >= 60, "too few vectors");
    }

    function testFuzz_any_bit_changed_in_a_proof_condemns_it(uint256 which, uint256 part, uint256 bit) public {
        string memory where = nth("inclusions", between(which, 1, 60));
        (bytes32 leaf, bytes32 root) = (word(where, ".leaf"), word(where, ".root"));
        (uint64 i, uint64 n, bytes32[] memory path) = (indexIn(where), sizeIn(where), proofIn(where));
        put(ALICE, n, root);
        part = between(part, 0, 3);
        bytes32 flip = bytes32(1 << between(bit, 0, 255));
        if (part == 0) leaf ^= flip;
        else if (part == 1) i ^= uint64(1 << between(bit, 0, 63));
        else if (part == 2) path[between(bit, 0, path.length - 1)] ^= flip;
        else path = longer(path, flip);
        vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorNotIncluded.selector, leaf, i, n, root));
        anchors.requireLogged(ALICE, ORIGIN, leaf, i, n, path);
    }

    function test_a_proof_cut_short_proves_nothing() public {
        for (uint256 k = 1; vm.keyExistsJson(json, nth("inclusions", k)); ++k) {
            string memory where = nth("inclusions", k);
            bytes32[] memory path = proofIn(where);
            put(ALICE, sizeIn(where), word(where, ".root"));
            assembly {
                mstore(path, sub(mload(path), 1))
            }
            vm.expectPartialRevert(LogAnchor.LogAnchorNotIncluded.selector);
            anchors.requireLogged(ALICE, ORIGIN, word(where, ".leaf"), indexIn(where), sizeIn(where), path);
        }
    }

    /// @dev A node of the tree is no leaf: the hash of two neighbours proves nothing in a tree of half the size.
    function test_an_inner_node_is_no_leaf() public {
        string memory where = nth("inclusions", 1);
        assertEq(uint256(sizeIn(where)), 2);
        put(ALICE, 2, word(where, ".root"));
        vm.expectPartialRevert(LogAnchor.LogAnchorNotIncluded.selector);
        anchors.requireLogged(ALICE, ORIGIN, word(where, ".root"), 0, 2, new bytes32[](0));
    }

    /// @dev A log that lied about its size gains nothing: the way to the root has the length that the size gives it.
    function test_a_proof_longer_than_the_tree_is_deep_proves_nothing() public {
        (bytes32 leaf, bytes32[] memory path) = (sha256("leaf"), new bytes32[](1));
        path[0] = sha256("beside it");
        bytes32 root = sha256(abi.encodePacked(hex"01", path[0], leaf));
        put(ALICE, 1, root);
        vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorNotIncluded.selector, leaf, 0, 1, root));
        anchors.requireLogged(ALICE, ORIGIN, leaf, 0, 1, path);
    }

    function test_only_the_account_that_anchored_is_believed() public {
        string memory where = nth("decisions", 0);
        put(BOB, sizeIn(where), word(where, ".root"));
        vm.expectRevert(
            abi.encodeWithSelector(LogAnchor.LogAnchorNotAnchored.selector, ALICE, ORIGIN, sizeIn(where))
        );
        show(where, bytesOf(where), offsetIn(where));
    }

    // Decisions

    function test_a_decision_in_the_log_is_remembered() public {
        uint256 cases = 0;
        while (vm.keyExistsJson(json, nth("decisions", cases))) {
            string memory where = nth("decisions", cases++);
            bytes32 digest = word(where, ".digest");
            put(ALICE, sizeIn(where), word(where, ".root"));
            assertTrue(!anchors.isLogged(ALICE, ORIGIN, digest), "not yet");
            vm.expectEmit(address(anchors));
            emit LogAnchor.DecisionLogged(ALICE, ORIGIN, digest, indexIn(where), sizeIn(where));
            assertEq(show(where, bytesOf(where), offsetIn(where)), digest);
            assertTrue(anchors.isLogged(ALICE, ORIGIN, digest), "from now on");
            assertTrue(!anchors.isLogged(BOB, ORIGIN, digest), "not of another's log");

            vm.recordLogs();
            show(where, bytesOf(where), offsetIn(where));
            assertEq(vm.getRecordedLogs().length, 0);
        }
        assertEq(cases, 3);
    }

    function testFuzz_no_other_offset_gives_a_decision(uint256 any) public {
        string memory where = nth("decisions", 1);
        bytes memory envelope = bytesOf(where);
        put(ALICE, sizeIn(where), word(where, ".root"));
        any = between(any, 0, 2 * envelope.length);
        vm.assume(any != offsetIn(where));
        vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorNoDecision.selector, any));
        show(where, envelope, any);
    }

    function test_every_offset_but_one_is_refused() public {
        string memory where = nth("decisions", 1);
        bytes memory envelope = bytesOf(where);
        uint256 right = offsetIn(where);
        put(ALICE, sizeIn(where), word(where, ".root"));
        for (uint256 o = 0; o < envelope.length; ++o) {
            if (o == right) continue;
            vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorNoDecision.selector, o));
            show(where, envelope, o);
        }
        vm.expectPartialRevert(LogAnchor.LogAnchorNoDecision.selector);
        show(where, envelope, type(uint256).max);
        vm.expectPartialRevert(LogAnchor.LogAnchorNoDecision.selector);
        show(where, "", 0);
    }

    /// @dev Another digest would be another leaf, which the root does not cover.
    function test_a_digest_written_over_is_not_in_the_log() public {
        string memory where = nth("decisions", 0);
        bytes memory envelope = bytesOf(where);
        put(ALICE, sizeIn(where), word(where, ".root"));
        envelope[offsetIn(where) + 19] = "0";
        vm.expectPartialRevert(LogAnchor.LogAnchorNotIncluded.selector);
        show(where, envelope, offsetIn(where));
        envelope[offsetIn(where) + 19] = "A";
        vm.expectPartialRevert(LogAnchor.LogAnchorNoDecision.selector);
        show(where, envelope, offsetIn(where));
        envelope[offsetIn(where) + 19] = "g";
        vm.expectPartialRevert(LogAnchor.LogAnchorNoDecision.selector);
        show(where, envelope, offsetIn(where));
    }

    /// @dev Entries of a log, each alone in it: only a decision under its own id is one.
    function test_only_the_id_and_the_kind_of_a_decision_together_make_one() public {
        bytes memory digits = "a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7a7";
        bytes memory end = '","kind":"decision","refs":[],"v":1}';
        bytes[4] memory entries = [
            bytes.concat('{"at":5,"facts":{},"id":"decision/0x', digits, end),
            bytes.concat('{"at":5,"facts":{},"id":"decision/0x', digits, '","kind":"review!!","refs":[],"v":1}'),
            bytes.concat('{"at":5,"facts":{},"id":"proposal/0x', digits, end),
            bytes.concat('{"at":5,"facts":{},"id":"decision/0x', digits, '/again","kind":"decision","refs":[],"v":1}')
        ];
        for (uint64 i = 0; i < 4; ++i) {
            (bytes32 origin, bytes32 root) = (bytes32(uint256(i)), sha256(abi.encodePacked(hex"00", entries[i])));
            vm.prank(ALICE);
            anchors.anchor(origin, 1, root);
            if (i > 0) vm.expectRevert(abi.encodeWithSelector(LogAnchor.LogAnchorNoDecision.selector, 17));
            anchors.recordDecision(ALICE, origin, entries[i], 17, 0, 1, new bytes32[](0));
        }
        assertTrue(anchors.isLogged(ALICE, 0, bytes32(uint256(0xa7) * (type(uint256).max / 0xff))), "the first is one");
    }

    function test_the_gas_of_a_level_is_small() public {
        string memory where = nth("inclusions", 60);
        (bytes32 leaf, bytes32[] memory path) = (word(where, ".leaf"), proofIn(where));
        (uint64 i, uint64 n) = (indexIn(where), sizeIn(where));
        put(ALICE, n, word(where, ".root"));
        uint256 before = gasleft();
        anchors.requireLogged(ALICE, ORIGIN, leaf, i, n, path);
        uint256 used = before - gasleft();
        emit log_named_uint("levels", path.length);
        emit log_named_uint("gas of requireLogged", used);
        assertTrue(used < 5_000 + 1_500 * path.length, "a level costs too much");
    }

    function put(address account, uint64 size_, bytes32 root) private {
        vm.prank(account);
        anchors.anchor(ORIGIN, size_, root);
    }

    function show(string memory where, bytes memory envelope, uint256 offset_) private returns (bytes32) {
        return anchors.recordDecision(ALICE, ORIGIN, envelope, offset_, indexIn(where), sizeIn(where), proofIn(where));
    }

    function longer(bytes32[] memory path, bytes32 last) private pure returns (bytes32[] memory more) {
        more = new bytes32[](path.length + 1);
        for (uint256 k = 0; k < path.length; ++k) {
            more[k] = path[k];
        }
        more[path.length] = last;
    }

    function nth(string memory list, uint256 k) private pure returns (string memory) {
        return string.concat(".", list, "[", vm.toString(k), "]");
    }

    function sizeIn(string memory where) private view returns (uint64) {
        return uint64(vm.parseJsonUint(json, string.concat(where, ".size")));
    }

    function indexIn(string memory where) private view returns (uint64) {
        return uint64(vm.parseJsonUint(json, string.concat(where, ".index")));
    }

    function offsetIn(string memory where) private view returns (uint256) {
        return vm.parseJsonUint(json, string.concat(where, ".offset"));
    }

    function word(string memory where, string memory field) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(where, field));
    }

    function proofIn(string memory where) private view returns (bytes32[] memory) {
        return vm.parseJsonBytes32Array(json, string.concat(where, ".proof"));
    }

    function bytesOf(string memory where) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(where, ".envelope"));
    }
}
