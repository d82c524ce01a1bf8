// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

/// @title What auditors say of decisions
/// @notice Anyone who has looked into an agent's decision publishes here, under their own account, how far it holds:
/// 0 for not at all, 100 for entirely. Whose word counts is for readers to decide.
/// @dev After the validation registry of ERC-8004, a draft. It differs in that
///  - nobody has to be asked: there is no `validationRequest`, and `requestHash` is the digest of the decision itself;
///  - so many may answer on one decision, and {getValidationStatus} takes the validator as well;
///  - agents are known by their accounts, not by ids of an identity registry: `agentId` is always 0;
///  - `tag` is 32 bytes, as in the draft's first version, not a string;
///  - there are no summaries over many answers: an average over accounts that anyone can make means nothing.
/// A later answer of the same validator replaces the earlier one; the events keep both.
contract ValidationRegistry {
    /// @dev Enough for any address of a report, and little enough to store and show.
    uint256 private constant MAX_URI_BYTES = 1024;
    uint8 private constant MAX_RESPONSE = 100;

    struct Status {
        uint8 response;
        uint64 lastUpdate;
        bytes32 responseHash;
        bytes32 tag;
    }

    mapping(bytes32 requestHash => mapping(address validator => Status)) private _statuses;

    /// @dev As in ERC-8004, but for the type of `tag`.
    event ValidationResponse(
        address indexed validatorAddress,
        uint256 indexed agentId,
        bytes32 indexed requestHash,
        uint8 response,
        string responseURI,
        bytes32 responseHash,
        bytes32 tag
    );

    /// @dev No decision has the digest zero.
    error ValidationRegistryNoRequest();
    /// @dev A response is 0 to 100.
    error ValidationRegistryResponse(uint8 response);
    /// @dev The address of the report is longer than 1024 bytes.
    error ValidationRegistryUriTooLong(uint256 length);

    /// @notice Publishes how far a decision holds, in the caller's name.
    /// @param requestHash The decision's digest.
    /// @param response 0 to 100.
    /// @param responseURI Where the reasons are; empty for none.
    /// @param responseHash keccak256 of what is there; zero for none, or for a content-addressed URI.
    /// @param tag A word of the caller's choice; zero for none.
    function validationResponse(
        bytes32 requestHash,
        uint8 response,
        string calldata responseURI,
        bytes32 responseHash,
        bytes32 tag
    ) external {
        if (requestHash == bytes32(0)) revert ValidationRegistryNoRequest();
        if (response > MAX_RESPONSE) revert ValidationRegistryResponse(response);
        if (bytes(responseURI).length > MAX_URI_BYTES) {
            revert ValidationRegistryUriTooLong(bytes(responseURI).length);
        }
        _statuses[requestHash][msg.sender] = Status(response, uint64(block.timestamp), responseHash, tag);
        emit ValidationResponse(msg.sender, 0, requestHash, response, responseURI, responseHash, tag);
    }

    /// @notice What `validatorAddress` says of a decision now. `lastUpdate`, in unix seconds, is 0 for nothing yet.
    function getValidationStatus(bytes32 requestHash, address validatorAddress)
        external
        view
        returns (uint8 response, bytes32 responseHash, bytes32 tag, uint256 lastUpdate)
    {
        Status storage status = _statuses[requestHash][validatorAddress];
        return (status.response, status.responseHash, status.tag, status.lastUpdate);
    }
}
