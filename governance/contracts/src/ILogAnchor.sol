// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Where it is looked up whether a decision was logged
interface ILogAnchor {
    /// @notice Whether the log that `account` anchors under `origin` was shown to hold this decision.
    function isLogged(address account, bytes32 origin, bytes32 decisionDigest) external view returns (bool);
}
