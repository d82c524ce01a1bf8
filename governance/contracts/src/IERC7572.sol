// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Contract-level metadata (ERC-7572)
interface IERC7572 {
    event ContractURIUpdated();

    function contractURI() external view returns (string memory);
}
