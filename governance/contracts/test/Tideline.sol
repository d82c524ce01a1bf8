// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Change, Definition, Parameter, ParameterRegistry, ParameterType} from "../src/ParameterRegistry.sol";

/// @title The parameters of the demo's engine, as its community starts with them
library Tideline {
    bytes32 internal constant ENGINE = "tideline";
    uint256 internal constant SEASON_CLOSES = 1_798_675_200;

    /// @dev Twelve parameters, one of each type at least, keys ascending.
    function initial() internal pure returns (Parameter[] memory p) {
        p = new Parameter[](12);
        p[0] = Parameter("ink", colour(), word(0x12324A));
        p[1] = Parameter("inscription", text(0, 48), "first light");
        p[2] = Parameter("layers", integer(4, 40, 8, 0, "bands"), word(12));
        p[3] = Parameter("mint.cadence", integer(1, 60, 12, 1 days, "tokens/day"), word(18));
        p[4] = Parameter("mint.open", toggle(), word(1));
        p[5] = Parameter("mint.price", decimal(4, 50, 5000, 200, "ETH"), word(400));
        p[6] = Parameter("mirror", toggle(), word(0));
        p[7] = Parameter("moon.rarity", integer(0, 100, 0, 0, "%"), word(20));
        p[8] = Parameter("palette", choice(), word(0));
        p[9] = Parameter("royalty", decimal(2, 0, 1000, 250, "%"), word(500));
        p[10] = Parameter("season.closes", time(1_761_955_200, 1_893_456_000), word(int256(SEASON_CLOSES)));
        p[11] = Parameter("swell", decimal(3, 0, 1000, 250, ""), word(350));
    }

    /// @dev Another allowed value for each of the twelve.
    function all() internal pure returns (Change[] memory c) {
        c = new Change[](12);
        c[0] = Change("ink", word(0xFFEEDD));
        c[1] = Change("inscription", "the tide goes out and comes back in, as it does");
        c[2] = Change("layers", word(20));
        c[3] = Change("mint.cadence", word(25));
        c[4] = Change("mint.open", word(0));
        c[5] = Change("mint.price", word(600));
        c[6] = Change("mirror", word(1));
        c[7] = Change("moon.rarity", word(90));
        c[8] = Change("palette", word(4));
        c[9] = Change("royalty", word(250));
        c[10] = Change("season.closes", word(1_799_000_000));
        c[11] = Change("swell", word(600));
    }

    function one(bytes32 key, bytes memory value) internal pure returns (Change[] memory c) {
        c = new Change[](1);
        c[0] = Change(key, value);
    }

    function word(int256 value) internal pure returns (bytes memory) {
        return abi.encode(value);
    }

    /// @dev A definition without bounds, step, interval or lock.
    function blank(ParameterType kind) internal pure returns (Definition memory d) {
        d.kind = kind;
        d.guardianMin = 1; // above guardianMax: a guardian may not touch it
    }

    function anyInteger() internal pure returns (Definition memory d) {
        d = blank(ParameterType.Integer);
        (d.min, d.max) = (type(int256).min, type(int256).max);
    }

    function integer(int256 min, int256 max, uint256 maxStep, uint64 minInterval, string memory unit)
        internal
        pure
        returns (Definition memory d)
    {
        d = blank(ParameterType.Integer);
        (d.min, d.max, d.maxStep, d.minInterval, d.unit) = (min, max, maxStep, minInterval, unit);
    }

    function decimal(uint8 decimals, int256 min, int256 max, uint256 maxStep, string memory unit)
        internal
        pure
        returns (Definition memory d)
    {
        d = blank(ParameterType.Decimal);
        (d.decimals, d.min, d.max, d.maxStep, d.unit) = (decimals, min, max, maxStep, unit);
    }

    function text(int256 min, int256 max) internal pure returns (Definition memory d) {
        d = blank(ParameterType.Text);
        (d.min, d.max) = (min, max);
    }

    function time(int256 min, int256 max) internal pure returns (Definition memory d) {
        d = blank(ParameterType.Time);
        (d.min, d.max) = (min, max);
    }

    function toggle() internal pure returns (Definition memory d) {
        d = blank(ParameterType.Toggle);
        d.max = 1;
    }

    function colour() internal pure returns (Definition memory d) {
        d = blank(ParameterType.Colour);
        d.max = 0xFFFFFF;
    }

    function choice() internal pure returns (Definition memory d) {
        d = blank(ParameterType.Choice);
        d.options = new string[](5);
        (d.options[0], d.options[1], d.options[2]) = ("dawn", "kelp", "ember");
        (d.options[3], d.options[4]) = ("slate", "bloom");
        d.max = 4;
    }

    /// @dev The hash of a set, from what anyone can read: an account of the encoding that
    /// shares no line with the registry's own.
    function recomputed(ParameterRegistry registry, bytes32 engine) internal view returns (bytes32) {
        bytes32[] memory keys = registry.keys(engine);
        bytes memory tail = abi.encodePacked(uint256(keys.length));
        for (uint256 i = 0; i < keys.length; ++i) {
            tail = bytes.concat(tail, keys[i]);
        }
        tail = bytes.concat(tail, abi.encodePacked(uint256(keys.length)));
        for (uint256 i = 0; i < keys.length; ++i) {
            tail = bytes.concat(tail, keccak256(registry.valueOf(engine, keys[i])));
        }
        return keccak256(
            bytes.concat(
                engine,
                abi.encodePacked(uint256(registry.revision(engine)), uint256(0x80), 0xa0 + 32 * keys.length),
                tail
            )
        );
    }
}
