// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Whether bytes are text
/// @notice Well-formed UTF-8 as Unicode defines it: no stray or missing
/// continuation, no longer form than needed, no surrogate, nothing above U+10FFFF.
/// @dev Text that is not well-formed would be served altered, and its hash could
/// then no longer be recomputed from what was served.
library Utf8 {
    function isWellFormed(bytes memory text) internal pure returns (bool) {
        uint256 position = 0;
        while (position < text.length) {
            uint8 lead = uint8(text[position++]);
            if (lead < 0x80) continue;

            // What follows the first byte: how many, and the range of the second,
            // which is where overlong forms and surrogates show.
            uint256 following;
            uint8 low = 0x80;
            uint8 high = 0xBF;
            if (lead >= 0xC2 && lead <= 0xDF) {
                following = 1;
            } else if (lead >= 0xE0 && lead <= 0xEF) {
                following = 2;
                if (lead == 0xE0) low = 0xA0;
                if (lead == 0xED) high = 0x9F;
            } else if (lead >= 0xF0 && lead <= 0xF4) {
                following = 3;
                if (lead == 0xF0) low = 0x90;
                if (lead == 0xF4) high = 0x8F;
            } else {
                return false;
            }
            if (text.length - position < following) return false;

            for (; following != 0; --following) {
                uint8 next = uint8(text[position++]);
                if (next < low || next > high) return false;
                (low, high) = (0x80, 0xBF);
            }
        }
        return true;
    }
}
