// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {DemoGovernor} from "../src/DemoGovernor.sol";
import {GenerativeToken} from "../src/GenerativeToken.sol";
import {IERC7496} from "../src/IERC7496.sol";
import {IERC7572} from "../src/IERC7572.sol";
import {Change, ParameterRegistry} from "../src/ParameterRegistry.sol";
import {VoteToken} from "../src/VoteToken.sol";
import {Base, Vm} from "./Base.sol";
import {Tideline} from "./Tideline.sol";

/// @title The way of a change, through the real governor and timelock
contract GovernanceTest is Base {
    bytes32 private constant E = Tideline.ENGINE;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);
    address private constant CAROL = address(0xCA501);
    uint256 private constant MIN_DELAY = 2 days;

    VoteToken private votes;
    TimelockController private timelock;
    DemoGovernor private governor;
    ParameterRegistry private registry;
    GenerativeToken private token;

    /// @dev A proposal as the governor's functions want it.
    struct Draft {
        address[] targets;
        uint256[] values;
        bytes[] calldatas;
        string description;
    }

    function setUp() public {
        vm.warp(1_763_300_000);
        address[] memory holders = new address[](3);
        (holders[0], holders[1], holders[2]) = (ALICE, BOB, CAROL);
        uint256[] memory amounts = new uint256[](3);
        (amounts[0], amounts[1], amounts[2]) = (50 ether, 30 ether, 3 ether);
        votes = new VoteToken("Saltmarsh Vote", "MARSH", holders, amounts);

        address[] memory anyone = new address[](1);
        timelock = new TimelockController(MIN_DELAY, new address[](0), anyone, address(this));
        governor = new DemoGovernor("Saltmarsh Collective", votes, timelock, 1 days, 3 days, 1 ether, 10, 12 hours);
        timelock.grantRole(timelock.PROPOSER_ROLE(), address(governor));
        timelock.grantRole(timelock.CANCELLER_ROLE(), address(governor));
        timelock.renounceRole(timelock.DEFAULT_ADMIN_ROLE(), address(this));

        registry = new ParameterRegistry(address(timelock));
        token = new GenerativeToken("Tideline", "TIDE", address(timelock), registry, E, "", "");

        for (uint256 i = 0; i < holders.length; ++i) {
            vm.prank(holders[i]);
            votes.delegate(holders[i]);
        }
        vm.warp(block.timestamp + 1);
        found();
    }

    function test_a_ratified_change_reaches_the_token() public {
        vm.deal(ALICE, 1 ether);
        vm.prank(ALICE);
        token.mint{value: 0.08 ether}(2);

        Change[] memory changes = new Change[](2);
        changes[0] = Change("mint.cadence", Tideline.word(25));
        changes[1] = Change("swell", Tideline.word(500));
        bytes32 digest = sha256("a decision record");
        Draft memory draft = draftChange(changes, digest, "Offer more, swell higher");

        uint256 id = propose(draft);
        vm.warp(block.timestamp + 1 days + 1);
        assertState(id, IGovernor.ProposalState.Active);
        vote(ALICE, id, 1);
        vote(BOB, id, 0);
        vm.warp(governor.proposalDeadline(id) + 1);
        assertState(id, IGovernor.ProposalState.Succeeded);

        bytes32 descriptionHash = keccak256(bytes(draft.description));
        governor.queue(draft.targets, draft.values, draft.calldatas, descriptionHash);
        assertState(id, IGovernor.ProposalState.Queued);
        assertEq(governor.proposalEta(id), block.timestamp + MIN_DELAY);
        assertEq(registry.integerOf(E, "mint.cadence"), 18); // ratified is not applied

        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        governor.execute(draft.targets, draft.values, draft.calldatas, descriptionHash);

        vm.warp(block.timestamp + MIN_DELAY);
        vm.recordLogs();
        governor.execute(draft.targets, draft.values, draft.calldatas, descriptionHash);
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertState(id, IGovernor.ProposalState.Executed);

        assertEq(registry.integerOf(E, "mint.cadence"), 25);
        assertEq(registry.revision(E), 2);
        assertEq(token.leftToday(), 25);
        assertEq(token.getTraitValue(2, keccak256("swell")), bytes32(uint256(500)));
        assertEq(count(logs, address(registry), ParameterRegistry.ParameterChanged.selector), 2);
        assertEq(count(logs, address(token), IERC4906.BatchMetadataUpdate.selector), 1);
        assertEq(count(logs, address(token), IERC7572.ContractURIUpdated.selector), 1);
        assertEq(count(logs, address(token), IERC7496.TraitUpdatedRangeUniformValue.selector), 2);
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == ParameterRegistry.ParameterSetChanged.selector) {
                assertEq(logs[i].data, abi.encode(registry.parameterSetHash(E), digest));
            }
        }
    }

    function test_of_two_passed_proposals_on_one_state_the_second_is_stale() public {
        Draft memory first = draftChange(Tideline.one("mirror", Tideline.word(1)), 0, "Mirror it");
        Draft memory second = draftChange(Tideline.one("layers", Tideline.word(14)), 0, "Two more layers");
        bytes32 drafted = registry.parameterSetHash(E);
        uint256 a = propose(first);
        uint256 b = propose(second);
        vm.warp(block.timestamp + 1 days + 1);
        vote(ALICE, a, 1);
        vote(ALICE, b, 1);
        vm.warp(governor.proposalDeadline(b) + 1);
        queue(first);
        queue(second);
        vm.warp(block.timestamp + MIN_DELAY);
        execute(first);

        bytes32 actual = registry.parameterSetHash(E);
        vm.expectRevert(
            abi.encodeWithSelector(ParameterRegistry.ParameterRegistryStale.selector, E, drafted, actual)
        );
        execute(second);
        assertState(b, IGovernor.ProposalState.Queued);
        assertEq(registry.integerOf(E, "layers"), 12);
    }

    function test_a_change_out_of_bounds_cannot_be_executed_whatever_the_vote() public {
        Draft memory draft = draftChange(Tideline.one("mint.cadence", Tideline.word(31)), 0, "Far too many");
        uint256 id = propose(draft);
        vm.warp(block.timestamp + 1 days + 1);
        vote(ALICE, id, 1);
        vote(BOB, id, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        queue(draft);
        vm.warp(block.timestamp + MIN_DELAY);
        vm.expectRevert(
            abi.encodeWithSelector(
                ParameterRegistry.ParameterRegistryStepTooLarge.selector, bytes32("mint.cadence"), 18, 31, 12
            )
        );
        execute(draft);
    }

    function test_a_proposal_without_quorum_is_defeated() public {
        uint256 id = propose(draftChange(Tideline.one("mirror", Tideline.word(1)), 0, "Quietly"));
        vm.warp(block.timestamp + 1 days + 1);
        vote(CAROL, id, 1); // 3 of 83, and 8.3 are needed
        vm.warp(governor.proposalDeadline(id) + 1);
        assertState(id, IGovernor.ProposalState.Defeated);
    }

    function test_a_late_quorum_moves_the_deadline() public {
        uint256 id = propose(draftChange(Tideline.one("mirror", Tideline.word(1)), 0, "At the last minute"));
        uint256 deadline = governor.proposalDeadline(id);
        vm.warp(deadline - 1 minutes);
        vote(ALICE, id, 1);
        assertEq(governor.proposalDeadline(id), block.timestamp + 12 hours);
    }

    function test_a_proposal_below_the_threshold_is_refused() public {
        Draft memory draft = draftChange(Tideline.one("mirror", Tideline.word(1)), 0, "From outside");
        vm.prank(address(0x57A));
        vm.expectRevert(
            abi.encodeWithSelector(
                IGovernor.GovernorInsufficientProposerVotes.selector, address(0x57A), 0, 1 ether
            )
        );
        governor.propose(draft.targets, draft.values, draft.calldatas, draft.description);
    }

    function test_the_proceeds_of_the_mint_are_the_communitys_to_spend() public {
        vm.deal(BOB, 1 ether);
        vm.prank(BOB);
        token.mint{value: 0.4 ether}(10);
        assertEq(address(timelock).balance, 0.4 ether);

        Draft memory draft = empty("Thank Carol", 1);
        (draft.targets[0], draft.values[0]) = (CAROL, 0.1 ether);
        pass(draft);
        assertEq(CAROL.balance, 0.1 ether);
    }

    function test_votes_count_seconds_and_only_when_delegated() public {
        assertEq(votes.CLOCK_MODE(), "mode=timestamp");
        assertEq(governor.CLOCK_MODE(), "mode=timestamp");
        assertEq(votes.clock(), block.timestamp);
        vm.prank(ALICE);
        votes.transfer(address(0x4E3), 5 ether);
        assertEq(votes.getVotes(address(0x4E3)), 0);
        assertEq(votes.getVotes(ALICE), 45 ether);
        assertEq(votes.totalSupply(), 83 ether);
    }

    function test_every_holder_needs_an_amount() public {
        vm.expectRevert(abi.encodeWithSelector(VoteToken.VoteTokenLengthMismatch.selector, 2, 1));
        new VoteToken("V", "V", new address[](2), new uint256[](1));
    }

    // Steps of the tests

    /// @dev The first proposal: the parameters, and the token told of their changes.
    function found() private {
        Draft memory draft = empty("Found the engine", 2);
        (draft.targets[0], draft.targets[1]) = (address(registry), address(registry));
        draft.calldatas[0] = abi.encodeCall(ParameterRegistry.defineParameters, (E, Tideline.initial()));
        draft.calldatas[1] = abi.encodeCall(ParameterRegistry.setObserver, (E, address(token)));
        pass(draft);
        assertEq(registry.revision(E), 1);
    }

    function draftChange(Change[] memory changes, bytes32 digest, string memory title)
        private
        view
        returns (Draft memory draft)
    {
        draft = empty(title, 1);
        draft.targets[0] = address(registry);
        draft.calldatas[0] =
            abi.encodeCall(ParameterRegistry.setParameters, (E, registry.parameterSetHash(E), digest, changes));
    }

    function empty(string memory title, uint256 actions) private pure returns (Draft memory draft) {
        draft = Draft(new address[](actions), new uint256[](actions), new bytes[](actions), title);
    }

    function propose(Draft memory draft) private returns (uint256) {
        vm.prank(ALICE);
        return governor.propose(draft.targets, draft.values, draft.calldatas, draft.description);
    }

    function vote(address voter, uint256 id, uint8 support) private {
        vm.prank(voter);
        governor.castVote(id, support);
    }

    function queue(Draft memory draft) private {
        governor.queue(draft.targets, draft.values, draft.calldatas, keccak256(bytes(draft.description)));
    }

    function execute(Draft memory draft) private {
        governor.execute(draft.targets, draft.values, draft.calldatas, keccak256(bytes(draft.description)));
    }

    function pass(Draft memory draft) private {
        uint256 id = propose(draft);
        vm.warp(block.timestamp + 1 days + 1);
        vote(ALICE, id, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        queue(draft);
        vm.warp(block.timestamp + MIN_DELAY);
        execute(draft);
    }

    function assertState(uint256 id, IGovernor.ProposalState expected) private view {
        assertEq(uint256(governor.state(id)), uint256(expected));
    }
}
