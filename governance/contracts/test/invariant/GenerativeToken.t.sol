// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {GenerativeToken} from "../../src/GenerativeToken.sol";
import {ParameterRegistry} from "../../src/ParameterRegistry.sol";
import {Base} from "../Base.sol";
import {Tideline} from "../Tideline.sol";

/// @dev A season as collectors, a community and time make it, with an account of its own.
/// It is the timelock too, and so receives the proceeds.
contract Season is Base {
    bytes32 private constant E = Tideline.ENGINE;

    ParameterRegistry public immutable registry;
    GenerativeToken public immutable token;

    uint256 public minted;
    uint256 public proceeds;
    uint256 public brokenRules;
    mapping(uint256 day => uint256) public mintedOn;
    mapping(uint256 day => uint256) public mostOffered;
    uint256[] public days_;

    constructor() {
        registry = new ParameterRegistry(address(this));
        token = new GenerativeToken("Tideline", "TIDE", address(this), registry, E, "", "");
        registry.defineParameters(E, Tideline.initial());
        registry.setObserver(E, address(token));
        note();
    }

    receive() external payable {}

    function mint(uint256 quantity, uint256 extra) external {
        quantity = between(quantity, 1, 24);
        extra = between(extra, 0, 1 ether);
        uint256 cost = token.price() * quantity;
        bool allowed = quantity <= 20 && registry.integerOf(E, "mint.open") == 1
            && block.timestamp < Tideline.SEASON_CLOSES
            && mintedOn[today()] + quantity <= uint256(registry.integerOf(E, "mint.cadence"));

        address collector = address(uint160(0xC0113C7));
        vm.deal(collector, cost + extra);
        vm.prank(collector);
        try token.mint{value: cost + extra}(quantity) {
            if (!allowed || collector.balance != extra) ++brokenRules;
            mintedOn[today()] += quantity;
            minted += quantity;
            proceeds += cost;
        } catch {
            if (allowed || collector.balance != cost + extra) ++brokenRules;
        }
    }

    function mintTooCheaply(uint256 quantity, uint256 missing) external {
        quantity = between(quantity, 1, 20);
        uint256 cost = token.price() * quantity;
        uint256 sent = cost - between(missing, 1, cost);
        address collector = address(uint160(0xC43A9));
        vm.deal(collector, sent);
        vm.prank(collector);
        try token.mint{value: sent}(quantity) {
            ++brokenRules;
        } catch {}
    }

    function changeCadence(uint256 cadence) external {
        change("mint.cadence", int256(between(cadence, 1, 60)));
    }

    function changePrice(uint256 raw) external {
        change("mint.price", int256(between(raw, 50, 5000)));
    }

    function openOrClose() external {
        change("mint.open", 1 - registry.integerOf(E, "mint.open"));
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + between(time, 1 minutes, 30 hours));
        note();
    }

    function dayCount() external view returns (uint256) {
        return days_.length;
    }

    function change(bytes32 key, int256 value) private {
        try registry.setParameters(E, registry.parameterSetHash(E), 0, Tideline.one(key, Tideline.word(value))) {
            note();
        } catch {}
    }

    /// @dev The highest cadence that held at any moment of the day.
    function note() private {
        uint256 cadence = uint256(registry.integerOf(E, "mint.cadence"));
        if (mostOffered[today()] == 0) days_.push(today());
        if (cadence > mostOffered[today()]) mostOffered[today()] = cadence;
    }

    function today() private view returns (uint256) {
        return block.timestamp / 1 days;
    }
}

contract GenerativeTokenInvariants is Base {
    Season private season;
    GenerativeToken private token;

    function setUp() public {
        vm.warp(1_763_300_000);
        season = new Season();
        token = season.token();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(season);
    }

    function invariant_no_day_mints_more_than_its_cadence_allowed() public view {
        for (uint256 i = 0; i < season.dayCount(); ++i) {
            uint256 day = season.days_(i);
            assertTrue(season.mintedOn(day) <= season.mostOffered(day), "within the cadence");
        }
    }

    function invariant_every_wei_of_the_price_is_with_the_timelock() public view {
        assertEq(address(season).balance, season.proceeds());
        assertEq(address(token).balance, 0);
    }

    function invariant_ids_run_from_one_without_a_gap() public view {
        assertEq(token.totalMinted(), season.minted());
        if (season.minted() != 0) token.ownerOf(season.minted());
        assertEq(token.balanceOf(address(uint160(0xC0113C7))), season.minted());
    }

    function invariant_a_mint_goes_through_exactly_when_the_parameters_allow_it() public view {
        assertEq(season.brokenRules(), 0);
    }

    /// @dev Invariants of a season in which nothing happens would say nothing.
    function test_many_of_the_mints_tried_go_through() public {
        for (uint256 i = 0; i < 200; ++i) {
            uint256 any = uint256(keccak256(abi.encode(i)));
            if (i % 4 == 0) season.pass(any);
            else if (i % 16 == 1) season.changeCadence(any);
            else if (i % 16 == 2) season.changePrice(any);
            else season.mint(any >> 7, any);
        }
        assertTrue(season.minted() >= 200, "tokens");
        assertEq(season.brokenRules(), 0);
    }
}
