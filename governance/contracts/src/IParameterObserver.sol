// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title Something that wants to hear of each new revision
/// @dev Check the caller: anyone can call this function with any arguments, and
/// only a call from the registry means that something was ratified.
///
/// The call is a courtesy. It comes with a fixed amount of gas, after the change
/// is stored, and the change stands whether the observer succeeds or not. An
/// observer that must not miss a revision reads the registry instead.
interface IParameterObserver {
    /// @notice `engine` is now at `revision`; the registry already holds the new values.
    function parametersChanged(bytes32 engine, uint64 revision) external;
}
