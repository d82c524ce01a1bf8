// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ILogAnchor} from "./ILogAnchor.sol";
import {IParameterObserver} from "./IParameterObserver.sol";
import {Utf8} from "./Utf8.sol";

/// @dev What a value means, and so how it is written as bytes. Every type but
/// `Text` is one 32-byte big-endian word holding a two's complement integer:
/// the option's index, 0 or 1, the integer, the decimal times ten to the power of
/// its decimals, 0xRRGGBB, unix seconds. `Text` is its own UTF-8 bytes.
enum ParameterType {
    Unset,
    Choice,
    Toggle,
    Integer,
    Decimal,
    Colour,
    Time,
    Text
}

/// @dev What a parameter may be. Fixed for good when the parameter is defined.
struct Definition {
    ParameterType kind;
    /// Digits after the point of a `Decimal`, at most 18; 0 for every other type.
    uint8 decimals;
    /// Inclusive bounds. `Choice` 0 and the last option's index, `Toggle` 0 and 1,
    /// `Colour` 0 and 0xFFFFFF, `Text` its length in bytes.
    int256 min;
    int256 max;
    /// How far one change may go; 0 for any distance. Only where distance means
    /// something: `Integer`, `Decimal`, `Time`.
    uint256 maxStep;
    /// Seconds that must pass between two changes; 0 for none.
    uint64 minInterval;
    /// Last unix second at which a change is possible; 0 for no end.
    uint64 lockedAfter;
    /// Range a guardian may move within; `guardianMin > guardianMax` for none.
    /// Recorded here so that it is ratified with the rest; this contract gives a
    /// guardian no right of its own.
    int256 guardianMin;
    int256 guardianMax;
    /// Shown after the value.
    string unit;
    /// The options of a `Choice`, in order; empty for every other type.
    string[] options;
}

/// @dev A parameter to be defined, with its first value.
struct Parameter {
    bytes32 key;
    Definition definition;
    bytes value;
}

/// @dev A new value for a parameter that is defined already.
struct Change {
    bytes32 key;
    bytes value;
}

/// @dev Which log has to hold a decision before it may change an engine.
struct LogRequirement {
    /// The {LogAnchor} that is asked; zero for no requirement.
    address anchor;
    /// Whose anchors count.
    address account;
    /// SHA-256 of the log's origin line.
    bytes32 origin;
    /// Whether a change that names no decision is refused too.
    bool always;
}

/// @title The parameters that a community has ratified
/// @notice Typed, bounded and versioned values, grouped by engine. Only the
/// timelock writes, so every value here has passed a vote and its delay; anyone
/// reads. Each call that writes makes exactly one new revision of the engine, or
/// none at all.
/// @dev What could surprise an integrator:
///  - {parameterSetHash} covers the revision. It changes with every revision, even
///    when values return to what they once were.
///  - Defining a parameter also makes a revision, so it outdates every change that
///    was drafted before it and not yet executed.
///  - The decision digest is carried, not checked. It says what the proposer
///    pointed at, and it is up to readers to fetch that and compare. Where the
///    community asks for it, the decision must at least be in a log that was
///    anchored. See {setLogRequirement}.
///  - The observer is told last and cannot undo anything. See {setObserver}.
///  - A definition cannot be altered or removed. A parameter that needs other
///    bounds gets another key.
contract ParameterRegistry {
    /// @dev More would let one hash of the set cost more than a block should.
    uint256 private constant MAX_KEYS = 64;
    uint256 private constant MAX_OPTIONS = 64;
    uint256 private constant MAX_LABEL_BYTES = 64;
    int256 private constant MAX_TEXT_BYTES = 1024;
    uint8 private constant MAX_DECIMALS = 18;

    /// @notice Gas that an observer is given, whatever the transaction has left.
    uint256 public constant OBSERVER_GAS = 500_000;
    /// @dev For what is left to do after the observer.
    uint256 private constant RESERVED_GAS = 30_000;

    struct Entry {
        Definition definition;
        bytes value;
        uint64 changedAt;
        uint64 revision;
    }

    struct Engine {
        uint64 revision;
        address observer;
        bytes32[] keys;
        mapping(bytes32 key => Entry) entries;
        LogRequirement requirement;
    }

    address private immutable _timelock;
    mapping(bytes32 engine => Engine) private _engines;

    /// @dev `key` exists from now on and holds `value`. Emitted only through the timelock.
    event ParameterDefined(
        bytes32 indexed engine, bytes32 indexed key, Definition definition, bytes value, uint64 revision
    );
    /// @dev `key` now holds `newValue`. Emitted only through the timelock.
    event ParameterChanged(
        bytes32 indexed engine, bytes32 indexed key, bytes oldValue, bytes newValue, uint64 revision
    );
    /// @dev One for each revision, after the events of its parameters. `decisionDigest` is as
    /// given by the proposal; zero after definitions.
    event ParameterSetChanged(
        bytes32 indexed engine, uint64 indexed revision, bytes32 parameterSetHash, bytes32 decisionDigest
    );
    /// @dev `observer` hears of revisions from now on; zero for nobody.
    event ObserverChanged(bytes32 indexed engine, address observer);
    /// @dev `observer` failed, ran out of its gas or has no code. The revision stands all the same.
    event ObserverFailed(bytes32 indexed engine, address observer, uint64 revision);

    /// @dev Decisions must be logged like this from now on before they may change `engine`.
    event LogRequirementChanged(bytes32 indexed engine, LogRequirement requirement);

    /// @dev Only the timelock may write.
    error ParameterRegistryUnauthorized(address caller, address timelock);
    /// @dev The change was drafted on another state than the present one.
    error ParameterRegistryStale(bytes32 engine, bytes32 expected, bytes32 actual);
    /// @dev `key` has no definition, so no value for it could be checked.
    error ParameterRegistryUnknownKey(bytes32 engine, bytes32 key);
    /// @dev `key` has a definition, and definitions are for good.
    error ParameterRegistryAlreadyDefined(bytes32 engine, bytes32 key);
    /// @dev `value` is not within the bounds; for a text it is the length in bytes.
    error ParameterRegistryOutOfBounds(bytes32 key, int256 value, int256 min, int256 max);
    /// @dev The change goes further at once than was ratified.
    error ParameterRegistryStepTooLarge(bytes32 key, int256 from, int256 to, uint256 maxStep);
    /// @dev The last change is too recent; `allowedFrom` is the first second that works.
    error ParameterRegistryTooSoon(bytes32 key, uint256 allowedFrom);
    /// @dev The time for changes is over, for good.
    error ParameterRegistryLocked(bytes32 key, uint256 lockedAfter);
    /// @dev The bytes are not a value of the parameter's type.
    error ParameterRegistryMalformedValue(bytes32 key, bytes value);
    /// @dev The key or its definition breaks a rule stated at {defineParameters}, or the engine is full.
    error ParameterRegistryMalformedDefinition(bytes32 key);
    /// @dev The same call changes `key` twice.
    error ParameterRegistryDuplicateChange(bytes32 key);
    /// @dev The call would leave everything as it is, so it makes no revision.
    error ParameterRegistryNothingToChange(bytes32 engine);
    /// @dev The transaction was given too little gas to let the observer have its share.
    error ParameterRegistryGasTooLow(uint256 needed, uint256 left);
    /// @dev The decision is not known to be in the log. Anchor the log and call `recordDecision` there first.
    error ParameterRegistryDecisionNotLogged(
        bytes32 engine, bytes32 decisionDigest, address anchor, address account, bytes32 origin
    );
    /// @dev The requirement names an anchor that does not answer, so nothing could ever meet it.
    error ParameterRegistryMalformedRequirement(bytes32 engine, address anchor);

    modifier onlyTimelock() {
        if (msg.sender != _timelock) {
            revert ParameterRegistryUnauthorized(msg.sender, _timelock);
        }
        _;
    }

    /// @param timelock_ Who may write, for good. An address that never calls makes a registry that never changes.
    constructor(address timelock_) {
        _timelock = timelock_;
    }

    /// @notice Adds parameters with their first values, in one new revision.
    /// @dev A key is 1 to 32 characters of `a-z 0-9 . _ -`, left-aligned and followed by
    /// zeros. At most 64 keys per engine, 64 options per choice, 64 bytes per unit or
    /// option, 18 decimals, 1024 bytes of text. First values obey the bounds. They do not
    /// count as a change: {changedAt} stays 0 and `minInterval` does not hold back the
    /// first change.
    function defineParameters(bytes32 engine, Parameter[] calldata parameters) external onlyTimelock {
        if (parameters.length == 0) {
            revert ParameterRegistryNothingToChange(engine);
        }
        Engine storage state = _engines[engine];
        uint64 next = state.revision + 1;

        for (uint256 i = 0; i < parameters.length; ++i) {
            _define(state, engine, parameters[i], next);
        }
        _conclude(state, engine, next, bytes32(0));
    }

    /// @notice Changes values, all or none, in one new revision.
    /// @dev A change to the value that a parameter has already is passed over: it is not
    /// counted, not announced, and no interval, lock or step holds it back. When nothing
    /// else is left the call is refused.
    /// @param expectedHash {parameterSetHash} when the change was drafted. Refused as stale
    /// if the engine has moved since, so two proposals drafted on one state cannot both pass.
    /// @param decisionDigest Repeated in the event, for readers; zero for none.
    function setParameters(bytes32 engine, bytes32 expectedHash, bytes32 decisionDigest, Change[] calldata changes)
        external
        onlyTimelock
    {
        Engine storage state = _engines[engine];
        bytes32 actual = _hash(state, engine);
        if (expectedHash != actual) {
            revert ParameterRegistryStale(engine, expectedHash, actual);
        }
        _requireLogged(state.requirement, engine, decisionDigest);
        uint64 next = state.revision + 1;

        bool changed = false;
        for (uint256 i = 0; i < changes.length; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                if (changes[i].key == changes[j].key) {
                    revert ParameterRegistryDuplicateChange(changes[i].key);
                }
            }
            if (_change(state, engine, changes[i], next)) {
                changed = true;
            }
        }
        if (!changed) {
            revert ParameterRegistryNothingToChange(engine);
        }
        _conclude(state, engine, next, decisionDigest);
    }

    /// @notice Names who is told of each new revision; zero for nobody.
    /// @dev The observer is called after everything is stored, with {OBSERVER_GAS} and no
    /// more. If it fails, {ObserverFailed} says so and the change stands. The transaction
    /// must bring enough gas for the observer's whole share, or it is refused: whoever
    /// executes a proposal cannot silence the observer by bringing little.
    function setObserver(bytes32 engine, address observer) external onlyTimelock {
        _engines[engine].observer = observer;
        emit ObserverChanged(engine, observer);
    }

    /// @notice Asks that decisions be in an anchored log before they may change `engine`; an `anchor` of zero asks
    /// for nothing.
    /// @dev A digest of zero rests on nobody's decision but the vote's, and passes unless `always` is set. Definitions
    /// are not held back. The anchor's code is trusted to answer; a requirement that it stops meeting can be replaced
    /// here as it was set.
    function setLogRequirement(bytes32 engine, LogRequirement calldata requirement) external onlyTimelock {
        address anchor = requirement.anchor;
        if (anchor != address(0)) {
            // A slip here would stop every change until another vote has passed.
            bool answers = false;
            if (anchor.code.length != 0) {
                try ILogAnchor(anchor).isLogged(requirement.account, requirement.origin, bytes32(0)) returns (bool) {
                    answers = true;
                } catch {}
            }
            if (!answers) {
                revert ParameterRegistryMalformedRequirement(engine, anchor);
            }
        }
        _engines[engine].requirement = requirement;
        emit LogRequirementChanged(engine, requirement);
    }

    /// @notice What is asked of decisions that are to change `engine`.
    function logRequirementOf(bytes32 engine) external view returns (LogRequirement memory) {
        return _engines[engine].requirement;
    }

    /// @notice Identifies the values of `engine` at its present revision.
    /// @dev keccak256(abi.encode(engine, revision, keys, hashes)): keys ascending, and in the
    /// same order the keccak256 of each value's bytes. Computed from storage each time. An
    /// engine nobody has defined has one too, of revision 0 and two empty lists.
    function parameterSetHash(bytes32 engine) external view returns (bytes32) {
        return _hash(_engines[engine], engine);
    }

    /// @notice Counts the calls that changed `engine`; 0 before the first.
    function revision(bytes32 engine) external view returns (uint64) {
        return _engines[engine].revision;
    }

    /// @notice The keys of `engine`, ascending.
    function keys(bytes32 engine) external view returns (bytes32[] memory) {
        return _engines[engine].keys;
    }

    /// @notice The value in the canonical bytes of its type.
    function valueOf(bytes32 engine, bytes32 key) external view returns (bytes memory) {
        return _entry(engine, key).value;
    }

    /// @notice What `key` may be.
    function definitionOf(bytes32 engine, bytes32 key) external view returns (Definition memory) {
        return _entry(engine, key).definition;
    }

    /// @notice The digits after the point of `key`, without the cost of the whole definition.
    function decimalsOf(bytes32 engine, bytes32 key) external view returns (uint8) {
        return _entry(engine, key).definition.decimals;
    }

    /// @notice The value of any type but `Text`, as an integer. A decimal comes scaled by ten
    /// to the power of its decimals.
    function integerOf(bytes32 engine, bytes32 key) external view returns (int256) {
        Entry storage entry = _entry(engine, key);
        if (entry.definition.kind == ParameterType.Text) {
            revert ParameterRegistryMalformedValue(key, entry.value);
        }
        return _word(entry.value);
    }

    /// @notice When `key` last changed, in unix seconds; 0 while it has its first value.
    function changedAt(bytes32 engine, bytes32 key) external view returns (uint64) {
        return _entry(engine, key).changedAt;
    }

    /// @notice The revision in which `key` got the value it has.
    function revisionOf(bytes32 engine, bytes32 key) external view returns (uint64) {
        return _entry(engine, key).revision;
    }

    /// @notice Who is told of new revisions of `engine`; zero for nobody.
    function observerOf(bytes32 engine) external view returns (address) {
        return _engines[engine].observer;
    }

    /// @notice The only account that may write.
    function timelock() external view returns (address) {
        return _timelock;
    }

    function _define(Engine storage state, bytes32 engine, Parameter calldata parameter, uint64 next) private {
        bytes32 key = parameter.key;
        Entry storage entry = state.entries[key];
        if (entry.definition.kind != ParameterType.Unset) {
            revert ParameterRegistryAlreadyDefined(engine, key);
        }
        if (!_isKey(key) || state.keys.length == MAX_KEYS) {
            revert ParameterRegistryMalformedDefinition(key);
        }
        Definition memory definition = parameter.definition;
        if (!_isSound(definition)) {
            revert ParameterRegistryMalformedDefinition(key);
        }
        _check(key, definition.kind, definition.min, definition.max, parameter.value);

        entry.definition = definition;
        entry.value = parameter.value;
        entry.revision = next;
        _insert(state.keys, key);
        emit ParameterDefined(engine, key, definition, parameter.value, next);
    }

    function _change(Engine storage state, bytes32 engine, Change calldata change, uint64 next)
        private
        returns (bool)
    {
        bytes32 key = change.key;
        Entry storage entry = state.entries[key];
        Definition storage definition = entry.definition;
        ParameterType kind = definition.kind;
        if (kind == ParameterType.Unset) {
            revert ParameterRegistryUnknownKey(engine, key);
        }
        _check(key, kind, definition.min, definition.max, change.value);

        bytes memory oldValue = entry.value;
        if (keccak256(oldValue) == keccak256(change.value)) {
            return false;
        }
        uint256 lockedAfter = definition.lockedAfter;
        if (lockedAfter != 0 && block.timestamp > lockedAfter) {
            revert ParameterRegistryLocked(key, lockedAfter);
        }
        uint256 allowedFrom = uint256(entry.changedAt) + definition.minInterval;
        if (entry.changedAt != 0 && block.timestamp < allowedFrom) {
            revert ParameterRegistryTooSoon(key, allowedFrom);
        }
        uint256 maxStep = definition.maxStep;
        if (maxStep != 0) {
            int256 from = _word(oldValue);
            int256 to = _word(change.value);
            if (_distance(from, to) > maxStep) {
                revert ParameterRegistryStepTooLarge(key, from, to, maxStep);
            }
        }

        entry.value = change.value;
        entry.changedAt = uint64(block.timestamp);
        entry.revision = next;
        emit ParameterChanged(engine, key, oldValue, change.value, next);
        return true;
    }

    /// @dev Everything is stored before the observer runs, so whatever it does in turn
    /// meets a finished revision.
    function _conclude(Engine storage state, bytes32 engine, uint64 next, bytes32 decisionDigest) private {
        state.revision = next;
        emit ParameterSetChanged(engine, next, _hash(state, engine), decisionDigest);

        address observer = state.observer;
        if (observer == address(0)) return;

        // A call passes on at most 63/64 of what is left. Without this check the estimate
        // of an honest wallet would settle on the cheapest run that succeeds, which is the
        // one where the observer runs dry.
        uint256 needed = OBSERVER_GAS + OBSERVER_GAS / 63 + RESERVED_GAS;
        if (gasleft() < needed) {
            revert ParameterRegistryGasTooLow(needed, gasleft());
        }
        // A call to an account without code is refused before it is tried, outside the
        // reach of `catch`. `catch` without an argument copies no answer, however long.
        bool told = false;
        if (observer.code.length != 0) {
            try IParameterObserver(observer).parametersChanged{gas: OBSERVER_GAS}(engine, next) {
                told = true;
            } catch {}
        }
        if (!told) {
            emit ObserverFailed(engine, observer, next);
        }
    }

    function _requireLogged(LogRequirement storage requirement, bytes32 engine, bytes32 decisionDigest) private view {
        address anchor = requirement.anchor;
        if (anchor == address(0) || (decisionDigest == bytes32(0) && !requirement.always)) return;

        (address account, bytes32 origin) = (requirement.account, requirement.origin);
        if (decisionDigest == bytes32(0) || !ILogAnchor(anchor).isLogged(account, origin, decisionDigest)) {
            revert ParameterRegistryDecisionNotLogged(engine, decisionDigest, anchor, account, origin);
        }
    }

    function _entry(bytes32 engine, bytes32 key) private view returns (Entry storage entry) {
        entry = _engines[engine].entries[key];
        if (entry.definition.kind == ParameterType.Unset) {
            revert ParameterRegistryUnknownKey(engine, key);
        }
    }

    function _hash(Engine storage state, bytes32 engine) private view returns (bytes32) {
        bytes32[] memory sorted = state.keys;
        bytes32[] memory hashes = new bytes32[](sorted.length);
        for (uint256 i = 0; i < sorted.length; ++i) {
            hashes[i] = keccak256(state.entries[sorted[i]].value);
        }
        return keccak256(abi.encode(engine, state.revision, sorted, hashes));
    }

    /// @dev Keeps the list ascending; the new key is known not to be in it.
    function _insert(bytes32[] storage sorted, bytes32 key) private {
        uint256 position = sorted.length;
        sorted.push(key);
        while (position > 0 && sorted[position - 1] > key) {
            sorted[position] = sorted[position - 1];
            --position;
        }
        sorted[position] = key;
    }

    /// @dev Refuses what is not a value of the type or not within the bounds.
    function _check(bytes32 key, ParameterType kind, int256 min, int256 max, bytes calldata value) private pure {
        int256 measure;
        if (kind == ParameterType.Text) {
            measure = int256(value.length);
        } else if (value.length == 32) {
            measure = _word(value);
        } else {
            revert ParameterRegistryMalformedValue(key, value);
        }
        if (measure < min || measure > max) {
            revert ParameterRegistryOutOfBounds(key, measure, min, max);
        }
        // After the bounds, so that the text to be read through is a short one.
        if (kind == ParameterType.Text && !Utf8.isWellFormed(value)) {
            revert ParameterRegistryMalformedValue(key, value);
        }
    }

    /// @dev Whether values of the definition exist and every part of it means something.
    function _isSound(Definition memory definition) private pure returns (bool) {
        ParameterType kind = definition.kind;
        int256 min = definition.min;
        int256 max = definition.max;
        if (min > max) return false;

        bool measurable = false;
        if (kind == ParameterType.Choice) {
            if (min != 0 || max != int256(definition.options.length) - 1) return false;
            if (!_areOptions(definition.options)) return false;
        } else if (definition.options.length != 0) {
            return false;
        } else if (kind == ParameterType.Toggle) {
            if (min != 0 || max != 1) return false;
        } else if (kind == ParameterType.Colour) {
            if (min != 0 || max != 0xFFFFFF) return false;
        } else if (kind == ParameterType.Text) {
            if (min < 0 || max > MAX_TEXT_BYTES) return false;
        } else if (kind == ParameterType.Time) {
            if (min < 0) return false;
            measurable = true;
        } else if (kind == ParameterType.Integer || kind == ParameterType.Decimal) {
            measurable = true;
        } else {
            return false;
        }

        if (definition.maxStep != 0 && !measurable) return false;
        if (definition.decimals > (kind == ParameterType.Decimal ? MAX_DECIMALS : 0)) return false;
        if (definition.guardianMin <= definition.guardianMax) {
            if (definition.guardianMin < min || definition.guardianMax > max) return false;
        }
        return bytes(definition.unit).length <= MAX_LABEL_BYTES && Utf8.isWellFormed(bytes(definition.unit));
    }

    /// @dev Distinct, not empty, and not too many.
    function _areOptions(string[] memory options) private pure returns (bool) {
        if (options.length > MAX_OPTIONS) return false;
        bytes32[] memory seen = new bytes32[](options.length);
        for (uint256 i = 0; i < options.length; ++i) {
            bytes memory option = bytes(options[i]);
            if (option.length == 0 || option.length > MAX_LABEL_BYTES || !Utf8.isWellFormed(option)) return false;
            seen[i] = keccak256(option);
            for (uint256 j = 0; j < i; ++j) {
                if (seen[i] == seen[j]) return false;
            }
        }
        return true;
    }

    /// @dev One or more of `a-z 0-9 . _ -`, then zeros to the end.
    function _isKey(bytes32 key) private pure returns (bool) {
        if (key == bytes32(0)) return false;
        bool ended = false;
        for (uint256 i = 0; i < 32; ++i) {
            bytes1 c = key[i];
            if (c == 0) {
                ended = true;
            } else if (ended) {
                return false;
            } else if (!((c >= "a" && c <= "z") || (c >= "0" && c <= "9") || c == "." || c == "_" || c == "-")) {
                return false;
            }
        }
        return key[0] != 0;
    }

    /// @dev The value of 32 bytes; its length has been checked.
    function _word(bytes memory value) private pure returns (int256) {
        return int256(uint256(bytes32(value)));
    }

    /// @dev Exact for any two words: the difference may not fit an int256 but fits a uint256.
    function _distance(int256 from, int256 to) private pure returns (uint256) {
        unchecked {
            return to >= from ? uint256(to) - uint256(from) : uint256(from) - uint256(to);
        }
    }
}
