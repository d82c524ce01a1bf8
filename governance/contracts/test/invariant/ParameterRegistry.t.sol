// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Change, Definition, Parameter, ParameterRegistry, ParameterType} from "../../src/ParameterRegistry.sol";
import {Base} from "../Base.sol";
import {Tideline} from "../Tideline.sol";

/// @dev Does to the registry what a community, a stranger and time may do, and keeps
/// its own account of what must have come of it.
contract Community is Base {
    bytes32 public constant ENGINE = Tideline.ENGINE;
    address private constant TIMELOCK = address(0x7137);
    uint256 private constant SLOTS = 20;

    ParameterRegistry public immutable registry = new ParameterRegistry(TIMELOCK);

    uint64 public revisions;
    uint256 public strangersLetIn;
    uint256 public brokenRules;
    bytes32[] public defined;
    mapping(bytes32 key => bytes) public expected;
    mapping(bytes32 key => uint256) public lastChange;

    /// @dev A key out of twenty, in no particular order.
    function keyOf(uint256 any) public pure returns (bytes32) {
        return bytes32(bytes(string.concat("k", vm.toString(uint256(keccak256(abi.encode(any % SLOTS))) % 1000))));
    }

    function begin(uint256 anyKey, int256 a, int256 b, uint256 maxStep, uint64 minInterval) external {
        bytes32 key = keyOf(anyKey);
        Definition memory d = Tideline.blank(anyKey % 3 == 0 ? ParameterType.Decimal : ParameterType.Integer);
        // The widest bounds now and then, else such that many changes are possible.
        if (maxStep % 8 != 0) (a, b) = (a % 1000, b % 1000);
        (d.min, d.max) = a < b ? (a, b) : (b, a);
        d.maxStep = maxStep % 1500;
        d.minInterval = minInterval % 3 == 0 ? minInterval % 2 days : 0;
        Parameter[] memory one = new Parameter[](1);
        one[0] = Parameter(key, d, Tideline.word(a));
        vm.prank(TIMELOCK);
        try registry.defineParameters(ENGINE, one) {
            ++revisions;
            if (expected[key].length != 0) ++brokenRules;
            defined.push(key);
            expected[key] = Tideline.word(a);
        } catch {}
    }

    function change(uint256 anyKey, uint256 anyOther, int256 value, int256 nudge, uint256 flaw) external {
        Change[] memory changes = new Change[](1 + flaw % 2);
        for (uint256 i = 0; i < changes.length; ++i) {
            bytes32 key = someKey(i == 0 ? anyKey : anyOther, flaw);
            changes[i] = Change(key, near(key, i == 0 ? value : nudge, flaw));
        }
        bytes32 basis = registry.parameterSetHash(ENGINE);
        bool stale = flaw % 7 == 0;
        if (stale) basis = keccak256(abi.encode(basis));

        bool[] memory moves = new bool[](changes.length);
        bool any = false;
        for (uint256 i = 0; i < changes.length; ++i) {
            moves[i] = keccak256(changes[i].value) != keccak256(expected[changes[i].key]);
            any = any || moves[i];
        }
        bool twice = changes.length == 2 && changes[0].key == changes[1].key;
        vm.prank(TIMELOCK);
        try registry.setParameters(ENGINE, basis, 0, changes) {
            ++revisions;
            if (stale || twice || !any) ++brokenRules;
            for (uint256 i = 0; i < changes.length; ++i) {
                if (expected[changes[i].key].length == 0) ++brokenRules;
                if (moves[i]) follow(changes[i]);
            }
        } catch {}
    }

    function intrude(address stranger, uint256 anyKey, int256 value) external {
        if (stranger == TIMELOCK) return;
        bytes32 basis = registry.parameterSetHash(ENGINE);
        vm.prank(stranger);
        try registry.setParameters(ENGINE, basis, 0, Tideline.one(keyOf(anyKey), Tideline.word(value))) {
            ++strangersLetIn;
        } catch {}
        Parameter[] memory one = new Parameter[](1);
        one[0] = Parameter(keyOf(anyKey), Tideline.anyInteger(), Tideline.word(value));
        vm.prank(stranger);
        try registry.defineParameters(ENGINE, one) {
            ++strangersLetIn;
        } catch {}
        vm.prank(stranger);
        try registry.setObserver(ENGINE, stranger) {
            ++strangersLetIn;
        } catch {}
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + between(time, 1 hours, 3 days));
    }

    function definedCount() external view returns (uint256) {
        return defined.length;
    }

    /// @dev A key that is defined, mostly.
    function someKey(uint256 any, uint256 flaw) private view returns (bytes32) {
        return defined.length == 0 || flaw % 11 == 0 ? keyOf(any) : defined[any % defined.length];
    }

    /// @dev A value that has a chance: within the bounds and a step, unless it is to be flawed.
    function near(bytes32 key, int256 value, uint256 flaw) private view returns (bytes memory) {
        if (expected[key].length == 0 || flaw % 5 == 0) return Tideline.word(value);
        Definition memory d = registry.definitionOf(ENGINE, key);
        int256 from = abi.decode(expected[key], (int256));
        unchecked {
            // At most one beyond the step or the bound, on either side.
            uint256 reach = d.maxStep == 0 ? 2000 : d.maxStep + 1;
            uint256 room = value < 0 ? uint256(from) - uint256(d.min) : uint256(d.max) - uint256(from);
            if (room != type(uint256).max) ++room;
            int256 distance = int256(between(uint256(value), 0, reach < room ? reach : room));
            return Tideline.word(value < 0 ? from - distance : from + distance);
        }
    }

    /// @dev Records a change that passed, and whether step and interval were kept.
    function follow(Change memory made) private {
        Definition memory d = registry.definitionOf(ENGINE, made.key);
        int256 from = abi.decode(expected[made.key], (int256));
        int256 to = abi.decode(made.value, (int256));
        unchecked {
            uint256 distance = to > from ? uint256(to) - uint256(from) : uint256(from) - uint256(to);
            if (d.maxStep != 0 && distance > d.maxStep) ++brokenRules;
        }
        if (lastChange[made.key] != 0 && block.timestamp < lastChange[made.key] + d.minInterval) ++brokenRules;
        lastChange[made.key] = block.timestamp;
        expected[made.key] = made.value;
    }
}

contract ParameterRegistryInvariants is Base {
    Community private community;
    ParameterRegistry private registry;
    bytes32 private engine;

    function setUp() public {
        vm.warp(1_763_300_000);
        community = new Community();
        registry = community.registry();
        engine = community.ENGINE();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(community);
    }

    /// @dev Each accepted call made one revision, and nothing else did.
    function invariant_the_revision_counts_accepted_calls() public view {
        assertEq(registry.revision(engine), community.revisions());
    }

    function invariant_the_hash_is_the_one_anyone_can_recompute() public view {
        assertEq(registry.parameterSetHash(engine), Tideline.recomputed(registry, engine));
    }

    function invariant_every_value_is_the_last_ratified_and_within_bounds() public view {
        bytes32[] memory keys = registry.keys(engine);
        assertEq(keys.length, community.definedCount());
        for (uint256 i = 0; i < keys.length; ++i) {
            assertEq(registry.valueOf(engine, keys[i]), community.expected(keys[i]));
            assertEq(registry.changedAt(engine, keys[i]), community.lastChange(keys[i]));
            int256 value = registry.integerOf(engine, keys[i]);
            Definition memory d = registry.definitionOf(engine, keys[i]);
            assertTrue(d.min <= value && value <= d.max, "within bounds");
            assertTrue(registry.revisionOf(engine, keys[i]) <= registry.revision(engine), "no later revision");
        }
    }

    function invariant_keys_ascend() public view {
        bytes32[] memory keys = registry.keys(engine);
        for (uint256 i = 1; i < keys.length; ++i) {
            assertTrue(keys[i - 1] < keys[i], "ascending");
        }
    }

    function invariant_only_the_timelock_writes_and_only_by_the_rules() public view {
        assertEq(community.strangersLetIn(), 0);
        assertEq(community.brokenRules(), 0);
        assertEq(registry.observerOf(engine), address(0));
    }

    /// @dev Invariants of a story in which nothing happens would say nothing.
    function test_many_of_the_changes_tried_are_accepted() public {
        for (uint256 i = 0; i < 200; ++i) {
            uint256 any = uint256(keccak256(abi.encode(i)));
            uint256 other = uint256(keccak256(abi.encode(any)));
            if (i % 4 == 0) community.begin(any, int256(other), int256(any), other, uint64(any));
            else if (i % 4 == 1) community.pass(any);
            else community.change(any, other, int256(any), int256(other), any >> 9);
        }
        assertTrue(community.definedCount() >= 10, "definitions");
        assertTrue(community.revisions() - community.definedCount() >= 25, "changes");
        assertEq(community.brokenRules(), 0);
        emit log_named_uint("definitions", community.definedCount());
        emit log_named_uint("changes, of 100 tried", community.revisions() - community.definedCount());
    }
}
