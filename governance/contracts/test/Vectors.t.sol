// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Definition, Parameter, ParameterRegistry, ParameterType} from "../src/ParameterRegistry.sol";
import {Base} from "./Base.sol";
import {Tideline} from "./Tideline.sol";

/// @title The vectors that Solidity and Rust share
contract VectorsTest is Base {
    string private json;

    function setUp() public {
        json = vm.readFile("test/vectors/parameter-set.json");
    }

    function test_the_registry_gives_the_hash_of_every_vector() public {
        uint256 cases = 0;
        while (vm.keyExistsJson(json, path(cases))) {
            check(path(cases++));
        }
        assertTrue(cases >= 6, "too few vectors");
    }

    function test_the_first_vector_is_the_initial_set() public {
        ParameterRegistry registry = new ParameterRegistry(address(this));
        registry.defineParameters(Tideline.ENGINE, Tideline.initial());
        assertEq(
            registry.parameterSetHash(Tideline.ENGINE), vm.parseJsonBytes32(json, ".cases[0].parameterSetHash")
        );
    }

    function check(string memory where) private {
        bytes32 engine = vm.parseJsonBytes32(json, string.concat(where, ".engine"));
        uint256 revision = vm.parseJsonUint(json, string.concat(where, ".revision"));

        ParameterRegistry registry = new ParameterRegistry(address(this));
        uint256 length = 0;
        while (vm.keyExistsJson(json, path(where, length))) {
            Parameter[] memory one = new Parameter[](1);
            one[0] = parameter(path(where, length++));
            registry.defineParameters(engine, one);
        }
        assertEq(registry.revision(engine), length);
        assertEq(registry.keys(engine).length, length);

        // The revision is put where the vector wants it, which saves four billion changes:
        // the first word of the engine's entry in the mapping at slot 0.
        vm.store(address(registry), keccak256(abi.encode(engine, 0)), bytes32(revision));
        assertEq(registry.revision(engine), revision);

        bytes32 expected = vm.parseJsonBytes32(json, string.concat(where, ".parameterSetHash"));
        assertEq(registry.parameterSetHash(engine), expected);
        assertEq(Tideline.recomputed(registry, engine), expected);
    }

    function parameter(string memory where) private view returns (Parameter memory p) {
        p.key = vm.parseJsonBytes32(json, string.concat(where, ".key"));
        p.value = vm.parseJsonBytes(json, string.concat(where, ".value"));
        bytes32 kind = keccak256(bytes(vm.parseJsonString(json, string.concat(where, ".type"))));
        if (kind == keccak256("text")) p.definition = Tideline.text(0, 1024);
        else if (kind == keccak256("toggle")) p.definition = Tideline.toggle();
        else if (kind == keccak256("colour")) p.definition = Tideline.colour();
        else if (kind == keccak256("choice")) p.definition = Tideline.choice();
        else if (kind == keccak256("time")) p.definition = Tideline.time(0, type(int256).max);
        else p.definition = Tideline.anyInteger();
    }

    function path(uint256 i) private pure returns (string memory) {
        return string.concat(".cases[", vm.toString(i), "]");
    }

    function path(string memory where, uint256 i) private pure returns (string memory) {
        return string.concat(where, ".parameters[", vm.toString(i), "]");
    }
}
