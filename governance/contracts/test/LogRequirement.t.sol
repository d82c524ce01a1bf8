// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {LogAnchor} from "../src/LogAnchor.sol";
import {LogRequirement, ParameterRegistry} from "../src/ParameterRegistry.sol";
import {Base} from "./Base.sol";
import {Tideline} from "./Tideline.sol";

/// @dev Has code, and answers every question with a refusal.
contract Silent {}

contract LogRequirementTest is Base {
    bytes32 private constant E = Tideline.ENGINE;
    address private constant TIMELOCK = address(0x7137);
    address private constant ACCOUNT = address(0xA11CE);
    // The SHA-256 of saltmarsh.example/log, spelled out: working it out is a call, which would use up a prank.
    bytes32 private constant ORIGIN = 0x5bd8b9cef26b766dcbc3dcca5228411b6beba043b9f6e301a75e73ab9f102eda;

    ParameterRegistry private registry;
    LogAnchor private anchors;
    string private json;
    bytes32 private digest;

    function setUp() public {
        vm.warp(1_763_300_000);
        registry = new ParameterRegistry(TIMELOCK);
        anchors = new LogAnchor();
        json = vm.readFile("test/vectors/log.json");
        digest = vm.parseJsonBytes32(json, ".decisions[0].digest");
        vm.prank(TIMELOCK);
        registry.defineParameters(E, Tideline.initial());
    }

    function test_nothing_is_required_at_first() public {
        assertEq(registry.logRequirementOf(E).anchor, address(0));
        change(digest);
        assertEq(registry.revision(E), 2);
    }

    function test_a_decision_that_nobody_logged_changes_nothing_and_once_logged_it_does() public {
        require_(asked(false));
        refused(digest);
        assertEq(registry.revision(E), 1);

        log(ACCOUNT);
        change(digest);
        assertEq(registry.revision(E), 2);
        refused(sha256("another decision"));
    }

    function test_only_the_named_account_and_log_count() public {
        LogRequirement memory asked_ = asked(false);
        asked_.account = address(0xB0B);
        require_(asked_);
        log(ACCOUNT);
        refusedBy(asked_, digest);
        asked_.account = ACCOUNT;
        asked_.origin = sha256("other.example/log");
        require_(asked_);
        refusedBy(asked_, digest);
    }

    function test_a_change_without_a_decision_passes_unless_one_is_always_asked_for() public {
        require_(asked(false));
        change(0);
        require_(asked(true));
        refusedBy(asked(true), 0);
        log(ACCOUNT);
        refusedBy(asked(true), 0);
        change(digest);
        assertEq(registry.revision(E), 3);
    }

    function test_definitions_and_other_engines_are_not_held_back() public {
        require_(asked(true));
        vm.prank(TIMELOCK);
        registry.defineParameters("other", Tideline.initial());
        bytes32 current = registry.parameterSetHash("other");
        vm.prank(TIMELOCK);
        registry.setParameters("other", current, digest, Tideline.one("mirror", Tideline.word(1)));
    }

    function test_a_requirement_can_be_read_announced_and_lifted() public {
        LogRequirement memory asked_ = asked(true);
        vm.expectEmit(address(registry));
        emit ParameterRegistry.LogRequirementChanged(E, asked_);
        require_(asked_);
        LogRequirement memory found = registry.logRequirementOf(E);
        assertEq(abi.encode(found), abi.encode(asked_));
        LogRequirement memory none;
        require_(none);
        change(digest);
    }

    function testFuzz_nobody_but_the_timelock_requires(address stranger) public {
        vm.assume(stranger != TIMELOCK);
        vm.prank(stranger);
        vm.expectRevert(
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryUnauthorized.selector, stranger, TIMELOCK)
        );
        registry.setLogRequirement(E, asked(false));
    }

    function test_an_anchor_that_cannot_answer_is_not_required() public {
        address[2] memory deaf = [address(0xDEAD), address(new Silent())];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(TIMELOCK);
            vm.expectRevert(
                abi.encodeWithSelector(ParameterRegistry.ParameterRegistryMalformedRequirement.selector, E, deaf[i])
            );
            registry.setLogRequirement(E, LogRequirement(deaf[i], ACCOUNT, ORIGIN, false));
        }
    }

    function asked(bool always) private view returns (LogRequirement memory) {
        return LogRequirement(address(anchors), ACCOUNT, ORIGIN, always);
    }

    function require_(LogRequirement memory requirement) private {
        vm.prank(TIMELOCK);
        registry.setLogRequirement(E, requirement);
    }

    function log(address account) private {
        uint64 size = uint64(vm.parseJsonUint(json, ".decisions[0].size"));
        bytes32 root = vm.parseJsonBytes32(json, ".decisions[0].root");
        vm.prank(account);
        anchors.anchor(ORIGIN, size, root);
        anchors.recordDecision(
            account,
            ORIGIN,
            vm.parseJsonBytes(json, ".decisions[0].envelope"),
            vm.parseJsonUint(json, ".decisions[0].offset"),
            uint64(vm.parseJsonUint(json, ".decisions[0].index")),
            size,
            vm.parseJsonBytes32Array(json, ".decisions[0].proof")
        );
    }

    function change(bytes32 decision) private {
        bytes32 current = registry.parameterSetHash(E);
        int256 mirror = 1 - registry.integerOf(E, "mirror");
        vm.prank(TIMELOCK);
        registry.setParameters(E, current, decision, Tideline.one("mirror", Tideline.word(mirror)));
    }

    function refused(bytes32 decision) private {
        refusedBy(asked(false), decision);
    }

    function refusedBy(LogRequirement memory by, bytes32 decision) private {
        bytes32 current = registry.parameterSetHash(E);
        vm.prank(TIMELOCK);
        vm.expectRevert(
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryDecisionNotLogged.selector, E, decision, by.anchor, by.account, by.origin
            )
        );
        registry.setParameters(E, current, decision, Tideline.one("mirror", Tideline.word(1)));
    }
}
