// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ValidationRegistry} from "../src/ValidationRegistry.sol";
import {Base} from "./Base.sol";

contract ValidationRegistryTest is Base {
    address private constant VERA = address(0x7E5A);
    address private constant JULES = address(0x1013);
    bytes32 private constant DECISION = keccak256("a decision");

    ValidationRegistry private validations;

    function setUp() public {
        vm.warp(1_763_300_000);
        validations = new ValidationRegistry();
    }

    function testFuzz_anyone_answers_in_their_own_name(address who, uint8 response, bytes32 hash, bytes32 tag) public {
        response = uint8(between(response, 0, 100));
        vm.expectEmit(address(validations));
        emit ValidationRegistry.ValidationResponse(who, 0, DECISION, response, "ipfs://report", hash, tag);
        vm.prank(who);
        validations.validationResponse(DECISION, response, "ipfs://report", hash, tag);
        (uint8 found, bytes32 foundHash, bytes32 foundTag, uint256 at) = validations.getValidationStatus(DECISION, who);
        assertEq(found, response);
        assertEq(foundHash, hash);
        assertEq(foundTag, tag);
        assertEq(at, block.timestamp);
    }

    function test_a_later_answer_replaces_the_earlier_one_of_the_same_validator_only() public {
        say(VERA, 100);
        say(JULES, 50);
        vm.warp(block.timestamp + 1 days);
        say(VERA, 0);
        (uint8 vera,,, uint256 at) = validations.getValidationStatus(DECISION, VERA);
        (uint8 jules,,,) = validations.getValidationStatus(DECISION, JULES);
        assertEq(vera, 0);
        assertEq(at, block.timestamp);
        assertEq(jules, 50);
    }

    function test_who_has_said_nothing_has_no_time() public view {
        (uint8 response,,, uint256 at) = validations.getValidationStatus(DECISION, VERA);
        assertEq(response, 0);
        assertEq(at, 0);
    }

    function test_a_response_is_at_most_a_hundred() public {
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.ValidationRegistryResponse.selector, 101));
        validations.validationResponse(DECISION, 101, "", 0, 0);
    }

    function test_a_decision_is_named_and_a_report_has_a_short_address() public {
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.ValidationRegistryNoRequest.selector));
        validations.validationResponse(0, 100, "", 0, 0);
        validations.validationResponse(DECISION, 100, string(new bytes(1024)), 0, 0);
        vm.expectRevert(abi.encodeWithSelector(ValidationRegistry.ValidationRegistryUriTooLong.selector, 1025));
        validations.validationResponse(DECISION, 100, string(new bytes(1025)), 0, 0);
    }

    function say(address who, uint8 response) private {
        vm.prank(who);
        validations.validationResponse(DECISION, response, "", 0, 0);
    }
}
