// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";

/// @title The voting token of the demo organisation
/// @notice A fixed supply, dealt out once. There is no later minting.
/// @dev Three things that could surprise:
///  - Holding is not voting. A balance counts only once its holder has delegated,
///    to itself if it likes, and only for proposals whose snapshot comes later.
///  - Timepoints are unix seconds (ERC-6372 `mode=timestamp`), so the delays and
///    periods of a governor on this token are seconds too, not blocks.
///  - A permit and a delegation by signature share one sequence of nonces.
contract VoteToken is ERC20, ERC20Permit, ERC20Votes {
    /// @dev One amount belongs to each holder.
    error VoteTokenLengthMismatch(uint256 holders, uint256 amounts);

    constructor(string memory name_, string memory symbol_, address[] memory holders, uint256[] memory amounts)
        ERC20(name_, symbol_)
        ERC20Permit(name_)
    {
        if (holders.length != amounts.length) {
            revert VoteTokenLengthMismatch(holders.length, amounts.length);
        }
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
    }

    /// @notice Now, in the unit of every timepoint of this token: unix seconds.
    function clock() public view override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice The unit of {clock}, as ERC-6372 spells it.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override returns (string memory) {
        return "mode=timestamp";
    }

    /// @inheritdoc ERC20Permit
    function nonces(address owner) public view override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 amount) internal override(ERC20, ERC20Votes) {
        super._update(from, to, amount);
    }
}
