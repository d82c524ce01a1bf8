// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Utf8} from "../src/Utf8.sol";
import {Base} from "./Base.sol";

contract Utf8Test is Base {
    function test_the_ends_of_every_length_are_text() public pure {
        bytes[9] memory good = [
            bytes(hex""), hex"00", hex"7f", hex"c280", hex"dfbf", hex"e0a080", hex"efbfbf", hex"f0908080", hex"f48fbfbf"
        ];
        for (uint256 i = 0; i < good.length; ++i) {
            assertTrue(Utf8.isWellFormed(good[i]), "text");
        }
        assertTrue(Utf8.isWellFormed(hex"ed9fbf"), "below the surrogates");
        assertTrue(Utf8.isWellFormed(hex"ee8080"), "above the surrogates");
    }

    function test_what_unicode_forbids_is_not_text() public pure {
        bytes[14] memory bad = [
            bytes(hex"80"), hex"c0af", hex"c1bf", hex"c2", hex"c241", hex"e09fbf", hex"e0a0", hex"eda080", hex"edbfbf",
            hex"f08fbfbf", hex"f4908080", hex"f5808080", hex"61ff", hex"f09f8c"
        ];
        for (uint256 i = 0; i < bad.length; ++i) {
            assertTrue(!Utf8.isWellFormed(bad[i]), "not text");
        }
    }

    function testFuzz_every_scalar_value_is_text_in_its_own_form_only(uint256 any) public pure {
        uint256 scalar = between(any, 0, 0x10FFFF);
        bool surrogate = scalar >= 0xD800 && scalar <= 0xDFFF;
        uint256 length = scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
        for (uint256 n = length; n <= 4; ++n) {
            bool expected = n == length && !surrogate;
            assertTrue(Utf8.isWellFormed(encoded(scalar, n)) == expected, "form");
        }
    }

    /// @dev `scalar` in `n` bytes, even where that is more than it needs.
    function encoded(uint256 scalar, uint256 n) private pure returns (bytes memory out) {
        if (n == 1) return abi.encodePacked(uint8(scalar));
        out = new bytes(n);
        for (uint256 i = n - 1; i > 0; --i) {
            out[i] = bytes1(uint8(0x80 | (scalar & 0x3F)));
            scalar >>= 6;
        }
        out[0] = bytes1(uint8((0xF00 >> n) & 0xFF | scalar));
    }
}
