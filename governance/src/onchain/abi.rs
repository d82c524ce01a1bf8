//! Contract interfaces, as far as the bridge uses them.
//!
//! Written by hand so that the browser carries no bytecode; `tests/bindings.rs` compares every signature with the
//! compiled artifacts in `contracts/artifacts` and fails on drift.

#![allow(missing_docs, clippy::too_many_arguments)]

use alloy_sol_types::sol;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    interface Governor {
        event ProposalCreated(uint256 proposalId, address proposer, address[] targets, uint256[] values, string[] signatures, bytes[] calldatas, uint256 voteStart, uint256 voteEnd, string description);
        event ProposalQueued(uint256 proposalId, uint256 etaSeconds);
        event ProposalExecuted(uint256 proposalId);
        event ProposalCanceled(uint256 proposalId);
        event ProposalExtended(uint256 indexed proposalId, uint64 extendedDeadline);
        event VoteCast(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason);
        event VoteCastWithParams(address indexed voter, uint256 proposalId, uint8 support, uint256 weight, string reason, bytes params);

        function propose(address[] targets, uint256[] values, bytes[] calldatas, string description) external returns (uint256 proposalId);
        function queue(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) external returns (uint256 proposalId);
        function execute(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) external payable returns (uint256 proposalId);
        function cancel(address[] targets, uint256[] values, bytes[] calldatas, bytes32 descriptionHash) external returns (uint256 proposalId);
        function castVote(uint256 proposalId, uint8 support) external returns (uint256 balance);
        function castVoteWithReason(uint256 proposalId, uint8 support, string reason) external returns (uint256 balance);
        function state(uint256 proposalId) external view returns (uint8);
        function proposalEta(uint256 proposalId) external view returns (uint256);
        function proposalSnapshot(uint256 proposalId) external view returns (uint256);
        function proposalDeadline(uint256 proposalId) external view returns (uint256);
        function quorum(uint256 timepoint) external view returns (uint256);
        function votingDelay() external view returns (uint256);
        function votingPeriod() external view returns (uint256);
        function proposalThreshold() external view returns (uint256);
        function timelock() external view returns (address);
        function token() external view returns (address);
        function name() external view returns (string);
        function CLOCK_MODE() external view returns (string);
        function COUNTING_MODE() external view returns (string);
        function setVotingDelay(uint48 newVotingDelay) external;
        function setVotingPeriod(uint32 newVotingPeriod) external;
        function setProposalThreshold(uint256 newProposalThreshold) external;
        function updateQuorumNumerator(uint256 newQuorumNumerator) external;
        function setLateQuorumVoteExtension(uint48 newVoteExtension) external;
        function relay(address target, uint256 value, bytes data) external payable;
        function updateTimelock(address newTimelock) external;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Timelock {
        event CallScheduled(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data, bytes32 predecessor, uint256 delay);
        event CallExecuted(bytes32 indexed id, uint256 indexed index, address target, uint256 value, bytes data);
        event CallSalt(bytes32 indexed id, bytes32 salt);
        event Cancelled(bytes32 indexed id);
        event MinDelayChange(uint256 oldDuration, uint256 newDuration);
        event RoleGranted(bytes32 indexed role, address indexed account, address indexed sender);
        event RoleRevoked(bytes32 indexed role, address indexed account, address indexed sender);

        function getMinDelay() external view returns (uint256);
        function getTimestamp(bytes32 id) external view returns (uint256);
        function hasRole(bytes32 role, address account) external view returns (bool);
        function updateDelay(uint256 newDelay) external;
        function grantRole(bytes32 role, address account) external;
        function revokeRole(bytes32 role, address account) external;
        function renounceRole(bytes32 role, address callerConfirmation) external;
        function cancel(bytes32 id) external;
        function executeBatch(address[] targets, uint256[] values, bytes[] payloads, bytes32 predecessor, bytes32 salt) external payable;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface VoteToken {
        event Transfer(address indexed from, address indexed to, uint256 value);
        event DelegateChanged(address indexed delegator, address indexed fromDelegate, address indexed toDelegate);
        event DelegateVotesChanged(address indexed delegate, uint256 previousVotes, uint256 newVotes);

        function transfer(address to, uint256 value) external returns (bool);
        function approve(address spender, uint256 value) external returns (bool);
        function transferFrom(address from, address to, uint256 value) external returns (bool);
        function delegate(address delegatee) external;
        function delegates(address account) external view returns (address);
        function getVotes(address account) external view returns (uint256);
        function getPastVotes(address account, uint256 timepoint) external view returns (uint256);
        function balanceOf(address account) external view returns (uint256);
        function totalSupply() external view returns (uint256);
        function symbol() external view returns (string);
        function decimals() external view returns (uint8);
        function name() external view returns (string);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ParameterRegistry {
        enum ParameterType { Unset, Choice, Toggle, Integer, Decimal, Colour, Time, Text }
        struct Definition {
            ParameterType kind;
            uint8 decimals;
            int256 min;
            int256 max;
            uint256 maxStep;
            uint64 minInterval;
            uint64 lockedAfter;
            int256 guardianMin;
            int256 guardianMax;
            string unit;
            string[] options;
        }
        struct Parameter { bytes32 key; Definition definition; bytes value; }
        struct Change { bytes32 key; bytes value; }
        struct LogRequirement { address anchor; address account; bytes32 origin; bool always; }

        event ParameterDefined(bytes32 indexed engine, bytes32 indexed key, Definition definition, bytes value, uint64 revision);
        event ParameterChanged(bytes32 indexed engine, bytes32 indexed key, bytes oldValue, bytes newValue, uint64 revision);
        event ParameterSetChanged(bytes32 indexed engine, uint64 indexed revision, bytes32 parameterSetHash, bytes32 decisionDigest);
        event ObserverChanged(bytes32 indexed engine, address observer);
        event LogRequirementChanged(bytes32 indexed engine, LogRequirement requirement);

        error ParameterRegistryUnauthorized(address caller, address timelock);
        error ParameterRegistryStale(bytes32 engine, bytes32 expected, bytes32 actual);
        error ParameterRegistryUnknownKey(bytes32 engine, bytes32 key);
        error ParameterRegistryAlreadyDefined(bytes32 engine, bytes32 key);
        error ParameterRegistryOutOfBounds(bytes32 key, int256 value, int256 min, int256 max);
        error ParameterRegistryStepTooLarge(bytes32 key, int256 from, int256 to, uint256 maxStep);
        error ParameterRegistryTooSoon(bytes32 key, uint256 allowedFrom);
        error ParameterRegistryLocked(bytes32 key, uint256 lockedAfter);
        error ParameterRegistryMalformedValue(bytes32 key, bytes value);
        error ParameterRegistryMalformedDefinition(bytes32 key);
        error ParameterRegistryDuplicateChange(bytes32 key);
        error ParameterRegistryNothingToChange(bytes32 engine);
        error ParameterRegistryGasTooLow(uint256 needed, uint256 left);
        error ParameterRegistryDecisionNotLogged(bytes32 engine, bytes32 decisionDigest, address anchor, address account, bytes32 origin);
        error ParameterRegistryMalformedRequirement(bytes32 engine, address anchor);

        function defineParameters(bytes32 engine, Parameter[] parameters) external;
        function setParameters(bytes32 engine, bytes32 expectedHash, bytes32 decisionDigest, Change[] changes) external;
        function setObserver(bytes32 engine, address observer) external;
        function setLogRequirement(bytes32 engine, LogRequirement requirement) external;
        function logRequirementOf(bytes32 engine) external view returns (LogRequirement);
        function parameterSetHash(bytes32 engine) external view returns (bytes32);
        function revision(bytes32 engine) external view returns (uint64);
        function keys(bytes32 engine) external view returns (bytes32[]);
        function valueOf(bytes32 engine, bytes32 key) external view returns (bytes);
        function timelock() external view returns (address);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface LogAnchor {
        event Anchored(address indexed account, bytes32 indexed origin, uint64 size, bytes32 root);
        event KeyAnnounced(address indexed account, bytes32 indexed origin, bytes32 vkeyHash);
        event DecisionLogged(address indexed account, bytes32 indexed origin, bytes32 indexed decisionDigest, uint64 index, uint64 size);

        error LogAnchorConflict(address account, bytes32 origin, uint64 size, bytes32 anchored, bytes32 given);
        error LogAnchorEmpty(uint64 size, bytes32 root);
        error LogAnchorNotAnchored(address account, bytes32 origin, uint64 size);
        error LogAnchorNotIncluded(bytes32 leaf, uint64 index, uint64 size, bytes32 root);
        error LogAnchorNoDecision(uint256 offset);

        function anchor(bytes32 origin, uint64 size, bytes32 root) external;
        function announceKey(bytes32 origin, bytes32 vkeyHash) external;
        function recordDecision(address account, bytes32 origin, bytes envelope, uint256 offset, uint64 index, uint64 size, bytes32[] proof) external returns (bytes32 decisionDigest);
        function requireLogged(address account, bytes32 origin, bytes32 leaf, uint64 index, uint64 size, bytes32[] proof) external view;
        function isLogged(address account, bytes32 origin, bytes32 decisionDigest) external view returns (bool);
        function rootOf(address account, bytes32 origin, uint64 size) external view returns (bytes32);
        function latest(address account, bytes32 origin) external view returns (uint64 size, bytes32 root);
        function keyOf(address account, bytes32 origin) external view returns (bytes32);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface ValidationRegistry {
        event ValidationResponse(address indexed validatorAddress, uint256 indexed agentId, bytes32 indexed requestHash, uint8 response, string responseURI, bytes32 responseHash, bytes32 tag);

        function validationResponse(bytes32 requestHash, uint8 response, string responseURI, bytes32 responseHash, bytes32 tag) external;
        function getValidationStatus(bytes32 requestHash, address validatorAddress) external view returns (uint8 response, bytes32 responseHash, bytes32 tag, uint256 lastUpdate);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface GenerativeToken {
        event Transfer(address indexed from, address indexed to, uint256 indexed tokenId);
        event Minted(address indexed to, uint256 indexed firstTokenId, uint256 quantity, uint64 revision);

        function mint(uint256 quantity) external payable;
        function totalMinted() external view returns (uint256);
        function seedOf(uint256 id) external view returns (uint256);
        function tokenURI(uint256 tokenId) external view returns (string);
        function ownerOf(uint256 tokenId) external view returns (address);
        function setBaseURI(string baseURI) external;
        function setContractURI(string newContractURI) external;
    }
}
