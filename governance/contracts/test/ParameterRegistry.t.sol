// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IParameterObserver} from "../src/IParameterObserver.sol";
import {Change, Definition, Parameter, ParameterRegistry, ParameterType} from "../src/ParameterRegistry.sol";
import {Base, Vm} from "./Base.sol";
import {Tideline} from "./Tideline.sol";

contract AttentiveObserver is IParameterObserver {
    bytes32 public engine;
    uint64 public revision;

    function parametersChanged(bytes32 engine_, uint64 revision_) external {
        (engine, revision) = (engine_, revision_);
        // What is announced can be read already.
        require(ParameterRegistry(msg.sender).revision(engine_) == revision_);
    }
}

contract FailingObserver is IParameterObserver {
    function parametersChanged(bytes32, uint64) external pure {
        revert("not today");
    }
}

contract HungryObserver is IParameterObserver {
    function parametersChanged(bytes32, uint64) external pure {
        while (true) {}
    }
}

contract TalkativeObserver is IParameterObserver {
    function parametersChanged(bytes32, uint64) external pure {
        assembly {
            revert(0, 400000)
        }
    }
}

/// @dev A timelock that is its own observer, and answers a revision with another one.
contract MeddlingTimelock is IParameterObserver {
    function begin(ParameterRegistry registry) external {
        registry.defineParameters(Tideline.ENGINE, Tideline.initial());
        registry.setObserver(Tideline.ENGINE, address(this));
    }

    function change(ParameterRegistry registry, bytes32 engine, Change[] memory changes) public {
        registry.setParameters(engine, registry.parameterSetHash(engine), 0, changes);
    }

    function parametersChanged(bytes32 engine, uint64) external {
        change(ParameterRegistry(msg.sender), engine, Tideline.one("layers", Tideline.word(15)));
    }
}

contract ParameterRegistryTest is Base {
    bytes32 private constant E = Tideline.ENGINE;
    address private constant TIMELOCK = address(0x7137);

    ParameterRegistry private registry;

    function setUp() public {
        vm.warp(1_763_300_000);
        registry = new ParameterRegistry(TIMELOCK);
        begin(E, Tideline.initial());
    }

    // Reading

    function test_what_was_defined_can_be_read() public view {
        assertEq(registry.timelock(), TIMELOCK);
        assertEq(registry.revision(E), 1);
        assertEq(registry.keys(E).length, 12);
        assertEq(registry.integerOf(E, "ink"), 0x12324A);
        assertEq(registry.valueOf(E, "inscription"), "first light");
        assertEq(registry.decimalsOf(E, "mint.price"), 4);
        assertEq(registry.revisionOf(E, "swell"), 1);
        assertEq(registry.changedAt(E, "swell"), 0);
        Definition memory palette = registry.definitionOf(E, "palette");
        assertTrue(palette.kind == ParameterType.Choice, "kind");
        assertEq(palette.options[4], "bloom");
    }

    function test_the_hash_is_the_one_anyone_can_recompute() public {
        assertEq(registry.parameterSetHash(E), Tideline.recomputed(registry, E));
        change(Tideline.all());
        assertEq(registry.parameterSetHash(E), Tideline.recomputed(registry, E));
        assertEq(registry.parameterSetHash("untouched"), Tideline.recomputed(registry, "untouched"));
    }

    function test_keys_ascend_in_whatever_order_they_came() public {
        Parameter[] memory backwards = new Parameter[](5);
        bytes32[5] memory names = [bytes32("swell.b"), "swell", "a", "swell.a", "m"];
        for (uint256 i = 0; i < 5; ++i) {
            backwards[i] = Parameter(names[i], Tideline.toggle(), Tideline.word(0));
        }
        begin("other", backwards);
        bytes32[] memory keys = registry.keys("other");
        for (uint256 i = 1; i < keys.length; ++i) {
            assertTrue(keys[i - 1] < keys[i], "ascending");
        }
        assertEq(keys[0], "a");
        assertEq(keys[4], "swell.b");
    }

    function test_an_unknown_key_has_no_value_and_no_definition() public {
        bytes memory refusal = abi.encodeWithSelector(
            ParameterRegistry.ParameterRegistryUnknownKey.selector, E, bytes32("tide")
        );
        vm.expectRevert(refusal);
        registry.valueOf(E, "tide");
        vm.expectRevert(refusal);
        registry.definitionOf(E, "tide");
        vm.expectRevert(refusal);
        registry.integerOf(E, "tide");
        vm.expectRevert(refusal);
        registry.changedAt(E, "tide");
        vm.expectRevert(refusal);
        registry.revisionOf(E, "tide");
    }

    function test_a_text_is_no_integer() public {
        vm.expectPartialRevert(ParameterRegistry.ParameterRegistryMalformedValue.selector);
        registry.integerOf(E, "inscription");
    }

    // Who may write

    function testFuzz_nobody_but_the_timelock_writes(address stranger) public {
        vm.assume(stranger != TIMELOCK);
        bytes memory refusal = abi.encodeWithSelector(
            ParameterRegistry.ParameterRegistryUnauthorized.selector, stranger, TIMELOCK
        );
        bytes32 current = registry.parameterSetHash(E);
        vm.prank(stranger);
        vm.expectRevert(refusal);
        registry.setParameters(E, current, 0, Tideline.all());
        vm.prank(stranger);
        vm.expectRevert(refusal);
        registry.defineParameters("other", Tideline.initial());
        vm.prank(stranger);
        vm.expectRevert(refusal);
        registry.setObserver(E, stranger);
    }

    // Changing

    function test_a_change_is_one_revision_and_says_what_it_did() public {
        bytes32 before = registry.parameterSetHash(E);
        Change[] memory changes = new Change[](2);
        changes[0] = Change("mint.cadence", Tideline.word(25));
        changes[1] = Change("inscription", "");

        vm.expectEmit(address(registry));
        emit ParameterRegistry.ParameterChanged(E, "mint.cadence", Tideline.word(18), Tideline.word(25), 2);
        vm.expectEmit(address(registry));
        emit ParameterRegistry.ParameterChanged(E, "inscription", "first light", "", 2);
        vm.recordLogs();
        vm.prank(TIMELOCK);
        registry.setParameters(E, before, keccak256("decision"), changes);

        assertEq(registry.revision(E), 2);
        assertEq(registry.integerOf(E, "mint.cadence"), 25);
        assertEq(registry.valueOf(E, "inscription"), "");
        assertEq(registry.changedAt(E, "mint.cadence"), block.timestamp);
        assertEq(registry.revisionOf(E, "mint.cadence"), 2);
        assertEq(registry.revisionOf(E, "swell"), 1);

        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(logs.length, 3);
        assertEq(logs[2].topics[0], ParameterRegistry.ParameterSetChanged.selector);
        assertEq(logs[2].topics[2], bytes32(uint256(2)));
        assertEq(logs[2].data, abi.encode(registry.parameterSetHash(E), keccak256("decision")));
    }

    function test_two_changes_drafted_on_one_state_cannot_both_pass() public {
        bytes32 drafted = registry.parameterSetHash(E);
        change(Tideline.one("mirror", Tideline.word(1)));
        bytes32 actual = registry.parameterSetHash(E);
        refuse(
            drafted,
            Tideline.one("layers", Tideline.word(13)),
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryStale.selector, E, drafted, actual)
        );
    }

    function test_returning_to_old_values_does_not_return_to_the_old_hash() public {
        bytes32 before = registry.parameterSetHash(E);
        change(Tideline.one("mirror", Tideline.word(1)));
        change(Tideline.one("mirror", Tideline.word(0)));
        assertTrue(registry.parameterSetHash(E) != before, "the hash covers the revision");
    }

    function test_one_bad_change_refuses_the_whole_call() public {
        Change[] memory changes = new Change[](2);
        changes[0] = Change("mirror", Tideline.word(1));
        changes[1] = Change("moon.rarity", Tideline.word(101));
        refuse(
            changes,
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryOutOfBounds.selector, bytes32("moon.rarity"), 101, 0, 100
            )
        );
        assertEq(registry.integerOf(E, "mirror"), 0);
        assertEq(registry.revision(E), 1);
    }

    function test_a_key_changes_once_in_a_call() public {
        Change[] memory changes = new Change[](3);
        changes[0] = Change("mirror", Tideline.word(1));
        changes[1] = Change("layers", Tideline.word(13));
        changes[2] = Change("mirror", Tideline.word(0));
        refuse(
            changes,
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryDuplicateChange.selector, bytes32("mirror"))
        );
    }

    function test_a_key_without_definition_cannot_change() public {
        refuse(
            Tideline.one("tide", Tideline.word(1)),
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryUnknownKey.selector, E, bytes32("tide"))
        );
    }

    function test_an_equal_value_is_passed_over() public {
        Change[] memory changes = new Change[](2);
        changes[0] = Change("layers", Tideline.word(12));
        changes[1] = Change("mirror", Tideline.word(1));
        vm.recordLogs();
        change(changes);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(count(logs, address(registry), ParameterRegistry.ParameterChanged.selector), 1);
        assertEq(registry.revisionOf(E, "layers"), 1);
        assertEq(registry.changedAt(E, "layers"), 0);
    }

    function test_a_call_that_changes_nothing_makes_no_revision() public {
        bytes memory refusal = abi.encodeWithSelector(ParameterRegistry.ParameterRegistryNothingToChange.selector, E);
        refuse(new Change[](0), refusal);
        refuse(Tideline.one("layers", Tideline.word(12)), refusal);
        vm.prank(TIMELOCK);
        vm.expectRevert(refusal);
        registry.defineParameters(E, new Parameter[](0));
    }

    function test_a_word_has_32_bytes() public {
        bytes memory short = hex"0d";
        refuse(
            Tideline.one("layers", short),
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryMalformedValue.selector, bytes32("layers"), short
            )
        );
        bytes memory long = bytes.concat(Tideline.word(13), hex"00");
        refuse(
            Tideline.one("layers", long),
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryMalformedValue.selector, bytes32("layers"), long)
        );
    }

    function test_a_text_is_utf8_of_the_length_agreed() public {
        change(Tideline.one("inscription", unicode"早い光 — ✓ 🌊"));
        bytes memory stray = hex"c328";
        refuse(
            Tideline.one("inscription", stray),
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryMalformedValue.selector, bytes32("inscription"), stray
            )
        );
        refuse(
            Tideline.one("inscription", new bytes(49)),
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryOutOfBounds.selector, bytes32("inscription"), 49, 0, 48
            )
        );
    }

    function test_a_toggle_a_choice_and_a_colour_have_their_own_bounds() public {
        refuse(Tideline.one("mirror", Tideline.word(2)), outOfBounds("mirror", 2, 0, 1));
        refuse(Tideline.one("mirror", Tideline.word(-1)), outOfBounds("mirror", -1, 0, 1));
        refuse(Tideline.one("palette", Tideline.word(5)), outOfBounds("palette", 5, 0, 4));
        refuse(Tideline.one("ink", Tideline.word(0x1000000)), outOfBounds("ink", 0x1000000, 0, 0xFFFFFF));
    }

    function test_a_step_may_be_as_large_as_ratified_and_no_larger() public {
        refuse(
            Tideline.one("layers", Tideline.word(21)),
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryStepTooLarge.selector, bytes32("layers"), 12, 21, 8
            )
        );
        refuse(
            Tideline.one("royalty", Tideline.word(249)),
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryStepTooLarge.selector, bytes32("royalty"), 500, 249, 250
            )
        );
        change(Tideline.one("layers", Tideline.word(20)));
        change(Tideline.one("royalty", Tideline.word(250)));
    }

    function test_a_step_is_measured_across_the_whole_range_of_words() public {
        Parameter[] memory wide = new Parameter[](1);
        wide[0] = Parameter("depth", Tideline.anyInteger(), Tideline.word(type(int256).min));
        wide[0].definition.maxStep = type(uint256).max - 1;
        begin("wide", wide);
        bytes32 current = registry.parameterSetHash("wide");
        vm.prank(TIMELOCK);
        vm.expectPartialRevert(ParameterRegistry.ParameterRegistryStepTooLarge.selector);
        registry.setParameters("wide", current, 0, Tideline.one("depth", Tideline.word(type(int256).max)));
        vm.prank(TIMELOCK);
        registry.setParameters("wide", current, 0, Tideline.one("depth", Tideline.word(type(int256).max - 1)));
    }

    function test_an_interval_runs_from_one_change_to_the_next() public {
        change(Tideline.one("mint.cadence", Tideline.word(20))); // the first is free
        uint256 allowedFrom = block.timestamp + 1 days;
        vm.warp(allowedFrom - 1);
        refuse(
            Tideline.one("mint.cadence", Tideline.word(21)),
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryTooSoon.selector, bytes32("mint.cadence"), allowedFrom
            )
        );
        change(Tideline.one("mirror", Tideline.word(1))); // others do not wait
        vm.warp(allowedFrom);
        change(Tideline.one("mint.cadence", Tideline.word(21)));
    }

    function test_a_locked_parameter_stays_as_it_is() public {
        uint64 lockedAfter = uint64(block.timestamp) + 100;
        Parameter[] memory locking = new Parameter[](1);
        locking[0] = Parameter("palette", Tideline.choice(), Tideline.word(0));
        locking[0].definition.lockedAfter = lockedAfter;
        begin("locking", locking);

        vm.warp(lockedAfter); // the last second
        bytes32 current = registry.parameterSetHash("locking");
        vm.prank(TIMELOCK);
        registry.setParameters("locking", current, 0, Tideline.one("palette", Tideline.word(1)));

        vm.warp(lockedAfter + 1);
        current = registry.parameterSetHash("locking");
        vm.prank(TIMELOCK);
        vm.expectRevert(
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryLocked.selector, bytes32("palette"), lockedAfter
            )
        );
        registry.setParameters("locking", current, 0, Tideline.one("palette", Tideline.word(2)));
    }

    function testFuzz_a_stored_value_is_the_one_asked_for_and_within_bounds(int256 value) public {
        Change[] memory changes = Tideline.one("moon.rarity", Tideline.word(value));
        if (value < 0 || value > 100) {
            refuse(changes, outOfBounds("moon.rarity", value, 0, 100));
        } else if (value != 20) {
            change(changes);
            assertEq(registry.integerOf(E, "moon.rarity"), value);
        }
    }

    function testFuzz_two_sets_with_different_values_have_different_hashes(int256 a, int256 b) public {
        vm.assume(a != b);
        ParameterRegistry other = new ParameterRegistry(TIMELOCK);
        Parameter[] memory set = new Parameter[](1);
        set[0] = Parameter("depth", Tideline.anyInteger(), Tideline.word(a));
        begin("x", set);
        set[0].value = Tideline.word(b);
        vm.prank(TIMELOCK);
        other.defineParameters("x", set);
        assertTrue(registry.parameterSetHash("x") != other.parameterSetHash("x"), "different");
    }

    // Defining

    function test_a_definition_is_for_good() public {
        Parameter[] memory again = new Parameter[](1);
        again[0] = Parameter("mirror", Tideline.toggle(), Tideline.word(1));
        vm.prank(TIMELOCK);
        vm.expectRevert(
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryAlreadyDefined.selector, E, bytes32("mirror"))
        );
        registry.defineParameters(E, again);
    }

    function test_a_definition_is_announced_and_outdates_drafts() public {
        bytes32 drafted = registry.parameterSetHash(E);
        Parameter[] memory more = new Parameter[](1);
        more[0] = Parameter("fog", Tideline.toggle(), Tideline.word(1));
        vm.expectEmit(address(registry));
        emit ParameterRegistry.ParameterDefined(E, "fog", Tideline.toggle(), Tideline.word(1), 2);
        vm.prank(TIMELOCK);
        registry.defineParameters(E, more);
        bytes32 actual = registry.parameterSetHash(E);
        refuse(
            drafted,
            Tideline.one("mirror", Tideline.word(1)),
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryStale.selector, E, drafted, actual)
        );
    }

    function test_a_key_is_written_in_few_characters() public {
        bytes32[9] memory bad = [
            bytes32(0), "Layers", "la yers", "layers/2", unicode"été", bytes32(hex"006c"), bytes32(hex"6c006c"),
            bytes32(uint256(1)), "a:b"
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            unsound(bad[i], Tideline.toggle(), Tideline.word(0));
        }
        Parameter[] memory good = new Parameter[](1);
        good[0] = Parameter("abcdefghijklmnopqrstuvwxyz._-019", Tideline.toggle(), Tideline.word(0));
        begin(E, good);
    }

    function test_a_first_value_obeys_the_bounds() public {
        Parameter[] memory one = new Parameter[](1);
        one[0] = Parameter("fog", Tideline.integer(1, 5, 0, 0, ""), Tideline.word(6));
        vm.prank(TIMELOCK);
        vm.expectRevert(outOfBounds("fog", 6, 1, 5));
        registry.defineParameters(E, one);

        one[0].value = hex"";
        vm.prank(TIMELOCK);
        vm.expectPartialRevert(ParameterRegistry.ParameterRegistryMalformedValue.selector);
        registry.defineParameters(E, one);
    }

    function test_a_definition_must_make_sense() public {
        unsound("fog", Tideline.blank(ParameterType.Unset), Tideline.word(0));
        unsound("fog", Tideline.integer(5, 4, 0, 0, ""), Tideline.word(4));
        unsound("fog", Tideline.decimal(19, 0, 9, 0, ""), Tideline.word(4));
        unsound("fog", Tideline.text(-1, 9), "fog");
        unsound("fog", Tideline.text(0, 1025), "fog");
        unsound("fog", Tideline.time(-1, 9), Tideline.word(0));
        unsound("fog", Tideline.integer(0, 1, 0, 0, string(new bytes(65))), Tideline.word(0));
        unsound("fog", Tideline.integer(0, 1, 0, 0, string(bytes(hex"ff"))), Tideline.word(0));

        Definition memory d = Tideline.integer(0, 9, 0, 0, "");
        d.decimals = 1;
        unsound("fog", d, Tideline.word(0));
        d = Tideline.integer(0, 9, 0, 0, "");
        d.options = new string[](1);
        unsound("fog", d, Tideline.word(0));
        d = Tideline.integer(0, 9, 0, 0, "");
        (d.guardianMin, d.guardianMax) = (3, 10);
        unsound("fog", d, Tideline.word(0));
        d = Tideline.toggle();
        d.max = 2;
        unsound("fog", d, Tideline.word(0));
        d = Tideline.toggle();
        d.maxStep = 1;
        unsound("fog", d, Tideline.word(0));
        d = Tideline.colour();
        d.max = 0xFFFF;
        unsound("fog", d, Tideline.word(0));
    }

    function test_options_are_distinct_and_few() public {
        Definition memory d = Tideline.choice();
        d.options = new string[](0);
        unsound("fog", d, Tideline.word(0));
        d = Tideline.choice();
        d.max = 3;
        unsound("fog", d, Tideline.word(0));
        d = Tideline.choice();
        d.options[3] = "dawn";
        unsound("fog", d, Tideline.word(0));
        d = Tideline.choice();
        d.options[3] = "";
        unsound("fog", d, Tideline.word(0));
        unsound("fog", options(65), Tideline.word(0));

        Parameter[] memory one = new Parameter[](1);
        one[0] = Parameter("fog", options(64), Tideline.word(63));
        begin(E, one);
        assertEq(registry.definitionOf(E, "fog").options.length, 64);
    }

    function test_an_engine_holds_64_keys() public {
        begin("full", toggles("k", 64));
        assertEq(registry.parameterSetHash("full"), Tideline.recomputed(registry, "full"));
        vm.prank(TIMELOCK);
        vm.expectPartialRevert(ParameterRegistry.ParameterRegistryMalformedDefinition.selector);
        registry.defineParameters("full", toggles("x", 1));
    }

    // Observing

    function test_an_observer_hears_of_a_finished_revision() public {
        AttentiveObserver observer = new AttentiveObserver();
        observe(address(observer));
        assertEq(registry.observerOf(E), address(observer));
        change(Tideline.one("mirror", Tideline.word(1)));
        assertEq(observer.engine(), E);
        assertEq(observer.revision(), 2);
    }

    function test_no_observer_can_block_a_change() public {
        address[4] memory observers = [
            address(new FailingObserver()), address(new HungryObserver()), address(new TalkativeObserver()),
            address(0xE0A)
        ];
        for (uint64 i = 0; i < observers.length; ++i) {
            observe(observers[i]);
            bytes32 current = registry.parameterSetHash(E);
            vm.expectEmit(address(registry));
            emit ParameterRegistry.ObserverFailed(E, observers[i], i + 2);
            vm.prank(TIMELOCK);
            registry.setParameters{gas: 1_200_000}(E, current, 0, Tideline.one("moon.rarity", Tideline.word(int64(i))));
            assertEq(registry.revision(E), i + 2);
        }
    }

    function test_bringing_little_gas_does_not_silence_the_observer() public {
        AttentiveObserver observer = new AttentiveObserver();
        observe(address(observer));
        bytes32 current = registry.parameterSetHash(E);
        vm.prank(TIMELOCK);
        vm.expectPartialRevert(ParameterRegistry.ParameterRegistryGasTooLow.selector);
        registry.setParameters{gas: 500_000}(E, current, 0, Tideline.one("mirror", Tideline.word(1)));
        assertEq(registry.revision(E), 1);
    }

    function test_a_revision_cannot_answer_a_revision() public {
        // What the observer is given is less than a revision with an observer needs.
        MeddlingTimelock meddler = new MeddlingTimelock();
        ParameterRegistry meddled = new ParameterRegistry(address(meddler));
        meddler.begin(meddled);
        vm.expectEmit(address(meddled));
        emit ParameterRegistry.ObserverFailed(E, address(meddler), 2);
        meddler.change(meddled, E, Tideline.one("mirror", Tideline.word(1)));
        assertEq(meddled.revision(E), 2);
        assertEq(meddled.integerOf(E, "layers"), 12);
    }

    function test_an_observer_can_be_dismissed() public {
        observe(address(new FailingObserver()));
        observe(address(0));
        vm.recordLogs();
        change(Tideline.one("mirror", Tideline.word(1)));
        assertEq(count(vm.getRecordedLogs(), address(registry), ParameterRegistry.ObserverFailed.selector), 0);
    }

    // Cost

    function test_a_change_costs_what_a_proposal_can_afford() public {
        bytes32 current = registry.parameterSetHash(E);
        uint256 one = cost(current, Tideline.one("mint.cadence", Tideline.word(25)));
        setUp();
        uint256 twelve = cost(current, Tideline.all());
        emit log_named_uint("gas, 1 key of 12", one);
        emit log_named_uint("gas, 12 keys of 12", twelve);
        assertTrue(one < 200_000, "one key");
        assertTrue(twelve < 1_000_000, "twelve keys");
    }

    // Steps of the tests

    function begin(bytes32 engine, Parameter[] memory parameters) private {
        vm.prank(TIMELOCK);
        registry.defineParameters(engine, parameters);
    }

    function change(Change[] memory changes) private {
        bytes32 current = registry.parameterSetHash(E);
        vm.prank(TIMELOCK);
        registry.setParameters(E, current, 0, changes);
    }

    function refuse(Change[] memory changes, bytes memory refusal) private {
        refuse(registry.parameterSetHash(E), changes, refusal);
    }

    function refuse(bytes32 expectedHash, Change[] memory changes, bytes memory refusal) private {
        vm.prank(TIMELOCK);
        vm.expectRevert(refusal);
        registry.setParameters(E, expectedHash, 0, changes);
    }

    function unsound(bytes32 key, Definition memory definition, bytes memory value) private {
        Parameter[] memory one = new Parameter[](1);
        one[0] = Parameter(key, definition, value);
        vm.prank(TIMELOCK);
        vm.expectRevert(
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryMalformedDefinition.selector, key)
        );
        registry.defineParameters(E, one);
    }

    function outOfBounds(bytes32 key, int256 value, int256 min, int256 max) private pure returns (bytes memory) {
        return abi.encodeWithSelector(
            ParameterRegistry.ParameterRegistryOutOfBounds.selector, key, value, min, max
        );
    }

    function observe(address observer) private {
        vm.expectEmit(address(registry));
        emit ParameterRegistry.ObserverChanged(E, observer);
        vm.prank(TIMELOCK);
        registry.setObserver(E, observer);
    }

    function cost(bytes32 current, Change[] memory changes) private returns (uint256) {
        vm.cool(address(registry)); // as in a transaction of its own
        vm.prank(TIMELOCK);
        uint256 before = gasleft();
        registry.setParameters(E, current, 0, changes);
        return before - gasleft();
    }

    function options(uint256 number) private pure returns (Definition memory d) {
        d = Tideline.blank(ParameterType.Choice);
        d.options = new string[](number);
        for (uint256 i = 0; i < number; ++i) {
            d.options[i] = vm.toString(i);
        }
        d.max = int256(number) - 1;
    }

    function toggles(string memory prefix, uint256 number) private pure returns (Parameter[] memory p) {
        p = new Parameter[](number);
        for (uint256 i = 0; i < number; ++i) {
            bytes32 key = bytes32(bytes(string.concat(prefix, vm.toString(i))));
            p[i] = Parameter(key, Tideline.toggle(), Tideline.word(0));
        }
    }
}
