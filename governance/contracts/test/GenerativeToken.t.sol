// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC721Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {GenerativeToken} from "../src/GenerativeToken.sol";
import {IERC7496} from "../src/IERC7496.sol";
import {IERC7572} from "../src/IERC7572.sol";
import {Change, Parameter, ParameterRegistry} from "../src/ParameterRegistry.sol";
import {Base, Vm} from "./Base.sol";
import {Tideline} from "./Tideline.sol";

/// @dev Stands where the timelock will, and accepts ether as that does.
contract Treasury {
    receive() external payable {}
}

/// @dev Accepts nothing.
contract Wall {}

/// @dev Mints again from within its refund.
contract GreedyCollector {
    GenerativeToken private immutable _token;
    bool public refused;

    constructor(GenerativeToken token_) {
        _token = token_;
    }

    function collect() external payable {
        _token.mint{value: msg.value}(1);
    }

    receive() external payable {
        try _token.mint{value: msg.value}(1) {}
        catch {
            refused = true;
        }
    }
}

/// @dev Pays more than asked and cannot take the rest back.
contract StubbornCollector {
    function collect(GenerativeToken token) external payable {
        token.mint{value: msg.value}(1);
    }
}

contract GenerativeTokenTest is Base {
    bytes32 private constant E = Tideline.ENGINE;
    uint256 private constant PRICE = 0.04 ether;
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    address private timelock;
    ParameterRegistry private registry;
    GenerativeToken private token;

    function setUp() public {
        vm.warp(1_763_300_000);
        timelock = address(new Treasury());
        registry = new ParameterRegistry(timelock);
        token = new GenerativeToken(
            "Tideline", "TIDE", timelock, registry, E, "https://example.org/tokens/", "https://example.org/collection"
        );
        vm.prank(timelock);
        registry.defineParameters(E, Tideline.initial());
        vm.prank(timelock);
        registry.setObserver(E, address(token));
        vm.deal(ALICE, 1000 ether);
        vm.deal(BOB, 1000 ether);
    }

    // Minting

    function test_a_mint_pays_the_timelock_and_gives_the_rest_back() public {
        vm.expectEmit(address(token));
        emit GenerativeToken.Minted(ALICE, 1, 3, 1);
        vm.prank(ALICE);
        token.mint{value: 1 ether}(3);

        assertEq(token.ownerOf(1), ALICE);
        assertEq(token.ownerOf(3), ALICE);
        assertEq(token.totalMinted(), 3);
        assertEq(token.mintedToday(), 3);
        assertEq(token.leftToday(), 15);
        assertEq(ALICE.balance, 1000 ether - 3 * PRICE);
        assertEq(timelock.balance, 3 * PRICE);
        assertEq(address(token).balance, 0);
        assertEq(token.tokenURI(2), "https://example.org/tokens/2");
    }

    function testFuzz_nobody_pays_more_or_less_than_the_price(uint256 quantity, uint256 sent) public {
        quantity = between(quantity, 1, 18);
        sent = between(sent, 0, 2 ether);
        vm.prank(ALICE);
        if (sent < quantity * PRICE) {
            vm.expectRevert(
                abi.encodeWithSelector(
                    GenerativeToken.GenerativeTokenUnderpaid.selector, sent, quantity * PRICE
                )
            );
            token.mint{value: sent}(quantity);
        } else {
            token.mint{value: sent}(quantity);
            assertEq(timelock.balance, quantity * PRICE);
            assertEq(ALICE.balance, 1000 ether - quantity * PRICE);
        }
    }

    function test_a_call_mints_one_to_twenty() public {
        ratify("mint.cadence", Tideline.word(30));
        bytes4 refusal = GenerativeToken.GenerativeTokenQuantity.selector;
        refuseMint(0, abi.encodeWithSelector(refusal, 0, 20));
        refuseMint(21, abi.encodeWithSelector(refusal, 21, 20));
        mint(ALICE, 20);
    }

    function test_the_cadence_is_for_everyone_together_and_for_a_utc_day() public {
        mint(ALICE, 10);
        refuseMint(9, abi.encodeWithSelector(GenerativeToken.GenerativeTokenCadenceReached.selector, 9, 8));
        mint(BOB, 8);
        refuseMint(1, abi.encodeWithSelector(GenerativeToken.GenerativeTokenCadenceReached.selector, 1, 0));

        uint256 midnight = (block.timestamp / 1 days + 1) * 1 days;
        vm.warp(midnight - 1);
        refuseMint(1, abi.encodeWithSelector(GenerativeToken.GenerativeTokenCadenceReached.selector, 1, 0));
        vm.warp(midnight);
        assertEq(token.mintedToday(), 0);
        mint(ALICE, 18);
        assertEq(token.totalMinted(), 36);
    }

    function test_a_lower_cadence_holds_from_the_moment_it_is_ratified() public {
        mint(ALICE, 10);
        ratify("mint.cadence", Tideline.word(8));
        assertEq(token.leftToday(), 0);
        refuseMint(1, abi.encodeWithSelector(GenerativeToken.GenerativeTokenCadenceReached.selector, 1, 0));
    }

    function test_a_new_price_holds_from_the_moment_it_is_ratified() public {
        ratify("mint.price", Tideline.word(455));
        assertEq(token.price(), 0.0455 ether);
        refuseMint(1, abi.encodeWithSelector(GenerativeToken.GenerativeTokenUnderpaid.selector, PRICE, 0.0455 ether));
    }

    function test_a_closed_mint_mints_nothing() public {
        ratify("mint.open", Tideline.word(0));
        refuseMint(1, abi.encodeWithSelector(GenerativeToken.GenerativeTokenMintClosed.selector));
        ratify("mint.open", Tideline.word(1));
        mint(ALICE, 1);
    }

    function test_the_season_ends_at_the_second_agreed() public {
        vm.warp(Tideline.SEASON_CLOSES - 1);
        mint(ALICE, 1);
        vm.warp(Tideline.SEASON_CLOSES);
        refuseMint(
            1,
            abi.encodeWithSelector(GenerativeToken.GenerativeTokenSeasonClosed.selector, Tideline.SEASON_CLOSES)
        );
    }

    function test_a_mint_under_a_later_revision_says_so() public {
        ratify("layers", Tideline.word(14));
        vm.expectEmit(address(token));
        emit GenerativeToken.Minted(ALICE, 1, 1, 2);
        mint(ALICE, 1);
    }

    function test_a_mint_cannot_run_inside_a_mint() public {
        GreedyCollector greedy = new GreedyCollector(token);
        greedy.collect{value: 1 ether}();
        assertTrue(greedy.refused(), "the second mint");
        assertEq(token.totalMinted(), 1);
        assertEq(address(greedy).balance, 1 ether - PRICE);
    }

    function test_who_cannot_take_the_rest_must_pay_exactly() public {
        StubbornCollector stubborn = new StubbornCollector();
        vm.expectRevert(
            abi.encodeWithSelector(
                GenerativeToken.GenerativeTokenPaymentRefused.selector, address(stubborn)
            )
        );
        stubborn.collect{value: PRICE + 1}(token);
        stubborn.collect{value: PRICE}(token);
        assertEq(token.ownerOf(1), address(stubborn));
    }

    function test_a_timelock_that_takes_no_ether_stops_the_mint() public {
        address wall = address(new Wall());
        GenerativeToken walled = new GenerativeToken("T", "T", wall, registry, E, "", "");
        vm.prank(ALICE);
        vm.expectRevert(
            abi.encodeWithSelector(GenerativeToken.GenerativeTokenPaymentRefused.selector, wall)
        );
        walled.mint{value: PRICE}(1);
    }

    function test_seeds_are_known_before_the_mint_and_differ() public view {
        assertEq(token.seedOf(1), uint256(keccak256(abi.encode(address(token), uint256(1)))));
        assertTrue(token.seedOf(1) != token.seedOf(2), "differ");
    }

    // Royalties

    function test_a_royalty_follows_the_registry() public {
        (address receiver, uint256 amount) = token.royaltyInfo(1, 2 ether);
        assertEq(receiver, timelock);
        assertEq(amount, 0.1 ether);
        ratify("royalty", Tideline.word(750));
        (, amount) = token.royaltyInfo(1, 2 ether);
        assertEq(amount, 0.15 ether);
    }

    function testFuzz_a_royalty_is_never_more_than_the_sale(uint256 salePrice, int256 raw) public {
        Parameter[] memory careless = new Parameter[](1);
        careless[0] = Parameter("royalty", Tideline.anyInteger(), Tideline.word(raw));
        vm.prank(timelock);
        registry.defineParameters("careless", careless);
        GenerativeToken other = new GenerativeToken("T", "T", timelock, registry, "careless", "", "");
        (, uint256 amount) = other.royaltyInfo(1, salePrice);
        assertTrue(amount <= salePrice, "more than the sale");
    }

    function test_before_a_royalty_is_defined_there_is_none() public {
        GenerativeToken other = new GenerativeToken("T", "T", timelock, registry, "nothing", "", "");
        (, uint256 amount) = other.royaltyInfo(1, 1 ether);
        assertEq(amount, 0);
    }

    // Following the registry

    function test_a_ratified_look_is_announced_in_three_standards() public {
        mint(ALICE, 4);
        Change[] memory changes = new Change[](2);
        changes[0] = Change("palette", Tideline.word(2));
        changes[1] = Change("mint.cadence", Tideline.word(20));

        bytes32 current = registry.parameterSetHash(E);
        vm.expectEmit(address(token));
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
        vm.expectEmit(address(token));
        emit IERC7572.ContractURIUpdated();
        vm.expectEmit(address(token));
        emit IERC7496.TraitUpdatedRangeUniformValue(keccak256("revision"), 1, 4, bytes32(uint256(2)));
        vm.expectEmit(address(token));
        emit IERC7496.TraitUpdatedRangeUniformValue(keccak256("palette"), 1, 4, bytes32(uint256(2)));
        vm.recordLogs();
        vm.prank(timelock);
        registry.setParameters(E, current, 0, changes);
        assertEq(token.getTraitValue(1, keccak256("palette")), bytes32(uint256(2)));

        // Only what moved is announced, and a cadence is no trait.
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(count(logs, address(token), IERC7496.TraitUpdatedRangeUniformValue.selector), 2);
        assertEq(count(logs, address(registry), ParameterRegistry.ObserverFailed.selector), 0);
    }

    function test_all_looks_at_once_fit_the_gas_of_an_observer() public {
        mint(ALICE, 1);
        vm.recordLogs();
        bytes32 current = registry.parameterSetHash(E);
        vm.cool(address(registry));
        vm.cool(address(token));
        vm.prank(timelock);
        uint256 before = gasleft();
        registry.setParameters(E, current, 0, Tideline.all());
        emit log_named_uint("gas, 12 keys with the token observing", before - gasleft());
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(count(logs, address(token), IERC7496.TraitUpdatedRangeUniformValue.selector), 7);
        assertEq(count(logs, address(registry), ParameterRegistry.ObserverFailed.selector), 0);
    }

    function test_no_trait_is_announced_while_no_token_exists() public {
        vm.recordLogs();
        ratify("palette", Tideline.word(1));
        Vm.Log[] memory logs = vm.getRecordedLogs();
        assertEq(count(logs, address(token), IERC7496.TraitUpdatedRangeUniformValue.selector), 0);
        assertEq(count(logs, address(token), IERC4906.BatchMetadataUpdate.selector), 1);
    }

    function test_a_look_defined_later_becomes_a_trait() public {
        GenerativeToken late = new GenerativeToken("T", "T", timelock, registry, "late", "", "");
        Parameter[] memory all = Tideline.initial();
        Parameter[] memory offer = new Parameter[](4);
        (offer[0], offer[1], offer[2], offer[3]) = (all[3], all[4], all[5], all[10]);
        vm.prank(timelock);
        registry.defineParameters("late", offer);
        vm.prank(timelock);
        registry.setObserver("late", address(late));
        vm.prank(ALICE);
        late.mint{value: PRICE}(1);
        vm.expectRevert(abi.encodeWithSelector(IERC7496.TraitKeyUnknown.selector, keccak256("layers")));
        late.getTraitValue(1, keccak256("layers"));

        Parameter[] memory layers = new Parameter[](1);
        layers[0] = all[2];
        vm.expectEmit(address(late));
        emit IERC7496.TraitUpdatedRangeUniformValue(keccak256("layers"), 1, 1, bytes32(uint256(12)));
        vm.expectEmit(address(late));
        emit IERC7496.TraitMetadataURIUpdated();
        vm.prank(timelock);
        registry.defineParameters("late", layers);
        assertEq(late.getTraitValue(1, keccak256("layers")), bytes32(uint256(12)));
    }

    function test_only_the_registry_announces_and_only_this_engine() public {
        vm.expectRevert(
            abi.encodeWithSelector(GenerativeToken.GenerativeTokenUnauthorized.selector, address(this))
        );
        token.parametersChanged(E, 9);
        vm.prank(address(registry));
        vm.expectRevert(
            abi.encodeWithSelector(GenerativeToken.GenerativeTokenOtherEngine.selector, bytes32("other"))
        );
        token.parametersChanged("other", 9);
    }

    // Traits

    function test_traits_are_read_from_the_registry() public {
        mint(ALICE, 1);
        bytes32[] memory keys = new bytes32[](7);
        (keys[0], keys[1], keys[2]) = (keccak256("revision"), keccak256("ink"), keccak256("layers"));
        (keys[3], keys[4]) = (keccak256("mirror"), keccak256("moon.rarity"));
        (keys[5], keys[6]) = (keccak256("palette"), keccak256("swell"));
        bytes32[] memory values = token.getTraitValues(1, keys);
        uint256[7] memory expected = [uint256(1), 0x12324A, 12, 0, 20, 0, 350];
        for (uint256 i = 0; i < 7; ++i) {
            assertEq(values[i], bytes32(expected[i]));
        }
    }

    function test_what_is_no_look_is_no_trait() public {
        mint(ALICE, 1);
        string[4] memory names = ["mint.price", "inscription", "royalty", "tide"];
        for (uint256 i = 0; i < names.length; ++i) {
            bytes32 key = keccak256(bytes(names[i]));
            vm.expectRevert(abi.encodeWithSelector(IERC7496.TraitKeyUnknown.selector, key));
            token.getTraitValue(1, key);
        }
    }

    function test_a_token_that_does_not_exist_has_no_traits() public {
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        token.getTraitValue(1, keccak256("layers"));
        vm.expectRevert(abi.encodeWithSelector(IERC721Errors.ERC721NonexistentToken.selector, 1));
        token.getTraitValues(1, new bytes32[](0));
    }

    function test_nobody_sets_a_trait_not_even_the_owner_or_the_timelock() public {
        mint(ALICE, 1);
        bytes memory refusal = abi.encodeWithSelector(
            GenerativeToken.GenerativeTokenTraitIsRatified.selector, keccak256("layers")
        );
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        token.setTrait(1, keccak256("layers"), bytes32(uint256(13)));
        vm.prank(timelock);
        vm.expectRevert(refusal);
        token.setTrait(1, keccak256("layers"), bytes32(uint256(13)));
    }

    function test_the_trait_metadata_comes_from_the_definitions() public view {
        string memory zeros = "0x00000000000000000000000000000000000000000000000000000000000000";
        string memory palette = string.concat('"', zeros, '00":"dawn","', zeros, '01":"kelp","', zeros);
        palette = string.concat(palette, '02":"ember","', zeros, '03":"slate","', zeros, '04":"bloom"');
        string memory number = '"dataType":{"type":"decimal","signed":false,"decimals":';
        string memory json = string.concat(
            '{"traits":{"revision":{"displayName":"revision",', number, '0}},"ink":{"displayName":"ink",', number
        );
        json = string.concat(json, '0}},"layers":{"displayName":"layers",', number, '0}},"mirror":{"displayName":');
        json = string.concat(json, '"mirror","dataType":{"type":"boolean"}},"moon.rarity":{"displayName":');
        json = string.concat(json, '"moon.rarity",', number, '0}},"palette":{"displayName":"palette","dataType":');
        json = string.concat(json, '{"type":"string","valueMappings":{', palette, '}}},"swell":{"displayName":');
        json = string.concat(json, '"swell",', number, "3}}}}");
        assertEq(
            token.getTraitMetadataURI(),
            string.concat("data:application/json;base64,", Base64.encode(bytes(json)))
        );
    }

    // Metadata and interfaces

    function test_only_the_timelock_moves_the_metadata() public {
        mint(ALICE, 1);
        bytes memory refusal =
            abi.encodeWithSelector(GenerativeToken.GenerativeTokenUnauthorized.selector, address(this));
        vm.expectRevert(refusal);
        token.setBaseURI("https://example.com/");
        vm.expectRevert(refusal);
        token.setContractURI("https://example.com/");

        vm.expectEmit(address(token));
        emit IERC4906.BatchMetadataUpdate(0, type(uint256).max);
        vm.prank(timelock);
        token.setBaseURI("https://example.com/");
        vm.expectEmit(address(token));
        emit IERC7572.ContractURIUpdated();
        vm.prank(timelock);
        token.setContractURI("https://example.com/c");
        assertEq(token.tokenURI(1), "https://example.com/1");
        assertEq(token.contractURI(), "https://example.com/c");
    }

    function test_the_interfaces_are_declared() public view {
        bytes4[6] memory ids = [
            bytes4(0x01ffc9a7), bytes4(0x80ac58cd), bytes4(0x5b5e139f), bytes4(0x2a55205a), bytes4(0x49064906),
            bytes4(0xaf332f3e)
        ];
        for (uint256 i = 0; i < ids.length; ++i) {
            assertTrue(token.supportsInterface(ids[i]), "supported");
        }
        assertTrue(!token.supportsInterface(0xffffffff), "not supported");
    }

    // Steps of the tests

    function mint(address collector, uint256 quantity) private {
        uint256 cost = token.price() * quantity;
        vm.prank(collector);
        token.mint{value: cost}(quantity);
    }

    function refuseMint(uint256 quantity, bytes memory refusal) private {
        vm.prank(ALICE);
        vm.expectRevert(refusal);
        token.mint{value: PRICE * quantity}(quantity);
    }

    function ratify(bytes32 key, bytes memory value) private {
        bytes32 current = registry.parameterSetHash(E);
        vm.prank(timelock);
        registry.setParameters(E, current, 0, Tideline.one(key, value));
    }
}
