// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ILogAnchor} from "./ILogAnchor.sol";

/// @title What logs have said of themselves, where they cannot take it back
/// @notice Keeps the roots of append-only logs (RFC 6962, C2SP tlog-checkpoint) by the account that anchored them, and
/// checks proofs against them. A log that was anchored here at some size can never show another history of that size.
/// @dev What could surprise an integrator:
///  - Anyone may anchor anything, under their own account only. So nobody can pre-empt or block another, and a root is
///    worth as much as the account it stands under: ask for the one that is trusted.
///  - `origin` is the SHA-256 of the log's origin line, without a newline.
///  - Sizes may arrive in any order, since the batches of a timelock do. {latest} is the largest, not the newest.
///  - Nothing here shows that one anchored root grew out of another. Whoever reads both asks the log for a consistency
///    proof.
///  - No owner, no upgrade, no ether.
contract LogAnchor is ILogAnchor {
    /// @dev What stands in a leaf before and after the digest of a decision. See {recordDecision}.
    bytes19 private constant BEFORE = '},"id":"decision/0x';
    bytes28 private constant AFTER = '","kind":"decision","refs":[';
    uint256 private constant DIGITS = 64;

    struct Log {
        uint64 latest;
        bytes32 vkeyHash;
        mapping(uint64 size => bytes32) roots;
        mapping(bytes32 decisionDigest => bool) decisions;
    }

    mapping(address account => mapping(bytes32 origin => Log)) private _logs;

    /// @dev The log has `root` at `size`, for good. Not repeated when the same is anchored again.
    event Anchored(address indexed account, bytes32 indexed origin, uint64 size, bytes32 root);
    /// @dev Checkpoints of the log are signed with the key whose vkey text has this SHA-256, from now on.
    event KeyAnnounced(address indexed account, bytes32 indexed origin, bytes32 vkeyHash);
    /// @dev Entry `index` of the log is the decision, as the anchored root at `size` shows. Once for each decision.
    event DecisionLogged(
        address indexed account, bytes32 indexed origin, bytes32 indexed decisionDigest, uint64 index, uint64 size
    );

    /// @dev Another root stands at this size already, and the first one holds.
    error LogAnchorConflict(address account, bytes32 origin, uint64 size, bytes32 anchored, bytes32 given);
    /// @dev An empty log says nothing, and no log has the root zero.
    error LogAnchorEmpty(uint64 size, bytes32 root);
    /// @dev `account` has anchored no root of this size; anchor one first, or prove against a size that is there.
    error LogAnchorNotAnchored(address account, bytes32 origin, uint64 size);
    /// @dev The proof does not lead from the leaf to the anchored root.
    error LogAnchorNotIncluded(bytes32 leaf, uint64 index, uint64 size, bytes32 root);
    /// @dev The envelope does not have the id of a decision at `offset`.
    error LogAnchorNoDecision(uint256 offset);

    /// @notice Keeps `root` as the caller's log's root at `size`. The first root of a size holds for good; the same
    /// again changes nothing, another one is refused.
    function anchor(bytes32 origin, uint64 size, bytes32 root) external {
        if (size == 0 || root == bytes32(0)) {
            revert LogAnchorEmpty(size, root);
        }
        Log storage log = _logs[msg.sender][origin];
        bytes32 anchored = log.roots[size];
        // Whoever anchors in a batch must not lose the batch because it was anchored before.
        if (anchored == root) return;
        if (anchored != bytes32(0)) {
            revert LogAnchorConflict(msg.sender, origin, size, anchored, root);
        }
        log.roots[size] = root;
        if (size > log.latest) {
            log.latest = size;
        }
        emit Anchored(msg.sender, origin, size, root);
    }

    /// @notice Says which key signs the caller's log: the SHA-256 of its vkey text, without a newline. A new key
    /// replaces the old one; the events keep both.
    function announceKey(bytes32 origin, bytes32 vkeyHash) external {
        _logs[msg.sender][origin].vkeyHash = vkeyHash;
        emit KeyAnnounced(msg.sender, origin, vkeyHash);
    }

    /// @notice Shows that the log that `account` anchors holds a decision, and remembers it for {isLogged}. Anyone may.
    /// @dev A leaf is the canonical JSON (RFC 8785) of an envelope, whose keys stand in this order: actor, at, body,
    /// facts, id, kind, refs, signature, v. Between the end of `facts` and the beginning of `refs` there is so exactly
    /// `},"id":"decision/0x<64 lower-case hex digits>","kind":"decision","refs":[`, and it can stand nowhere else: facts
    /// have no key `id`, `kind` or `refs` at any depth, the envelope's other objects neither, and within a string the
    /// quotes would be escaped. Reading JSON in full would cost many times as much and show no more. That the leaf is
    /// an envelope at all is up to whoever answers for `account`; readers of the log would see one that is not.
    /// @param envelope The leaf's exact bytes.
    /// @param offset Where in it the sequence above begins. Searching for it here would cost gas.
    /// @param index Place of the leaf in the log.
    /// @param size Size that `account` has anchored, above `index`.
    /// @param proof The inclusion proof of RFC 6962, the leaf's neighbour first.
    /// @return decisionDigest The decision that is logged from now on.
    function recordDecision(
        address account,
        bytes32 origin,
        bytes calldata envelope,
        uint256 offset,
        uint64 index,
        uint64 size,
        bytes32[] calldata proof
    ) external returns (bytes32 decisionDigest) {
        decisionDigest = _decisionAt(envelope, offset);
        requireLogged(account, origin, sha256(abi.encodePacked(hex"00", envelope)), index, size, proof);
        Log storage log = _logs[account][origin];
        if (!log.decisions[decisionDigest]) {
            log.decisions[decisionDigest] = true;
            emit DecisionLogged(account, origin, decisionDigest, index, size);
        }
    }

    /// @notice Returns quietly if entry `index` of the log that `account` anchors has the hash `leaf`, and reverts
    /// otherwise: as one call of a batch it makes the others depend on the entry.
    /// @param leaf SHA-256 of a zero byte and the entry.
    /// @param size Size that `account` has anchored, above `index`.
    /// @param proof The inclusion proof of RFC 6962, the leaf's neighbour first.
    function requireLogged(
        address account,
        bytes32 origin,
        bytes32 leaf,
        uint64 index,
        uint64 size,
        bytes32[] calldata proof
    ) public view {
        bytes32 root = _logs[account][origin].roots[size];
        if (root == bytes32(0)) {
            revert LogAnchorNotAnchored(account, origin, size);
        }
        if (!_includes(leaf, index, size, proof, root)) {
            revert LogAnchorNotIncluded(leaf, index, size, root);
        }
    }

    /// @inheritdoc ILogAnchor
    function isLogged(address account, bytes32 origin, bytes32 decisionDigest) external view returns (bool) {
        return _logs[account][origin].decisions[decisionDigest];
    }

    /// @notice The root that `account` anchored at exactly this size; zero for none.
    function rootOf(address account, bytes32 origin, uint64 size) external view returns (bytes32) {
        return _logs[account][origin].roots[size];
    }

    /// @notice The largest size that `account` anchored, and its root; zeros for none.
    function latest(address account, bytes32 origin) external view returns (uint64 size, bytes32 root) {
        Log storage log = _logs[account][origin];
        size = log.latest;
        root = log.roots[size];
    }

    /// @notice SHA-256 of the vkey text that `account` announced last; zero for none.
    function keyOf(address account, bytes32 origin) external view returns (bytes32) {
        return _logs[account][origin].vkeyHash;
    }

    /// @dev RFC 9162, section 2.1.3.2. `place` and `last` are the leaf's and the last leaf's index, level by level.
    function _includes(bytes32 leaf, uint64 index, uint64 size, bytes32[] calldata proof, bytes32 root)
        private
        pure
        returns (bool)
    {
        if (index >= size) return false;
        uint64 place = index;
        uint64 last = size - 1;
        bytes32 hash = leaf;
        for (uint256 i = 0; i < proof.length; ++i) {
            if (last == 0) return false;
            if (place & 1 == 1 || place == last) {
                hash = sha256(abi.encodePacked(hex"01", proof[i], hash));
                // On the right edge, levels without a neighbour are passed over.
                while (place & 1 == 0 && place != 0) {
                    place >>= 1;
                    last >>= 1;
                }
            } else {
                hash = sha256(abi.encodePacked(hex"01", hash, proof[i]));
            }
            place >>= 1;
            last >>= 1;
        }
        return last == 0 && hash == root;
    }

    /// @dev The digest in the id of a decision's envelope.
    function _decisionAt(bytes calldata envelope, uint256 offset) private pure returns (bytes32) {
        uint256 length = BEFORE.length + DIGITS + AFTER.length;
        if (envelope.length < length || offset > envelope.length - length) {
            revert LogAnchorNoDecision(offset);
        }
        bytes calldata found = envelope[offset:offset + length];
        if (bytes19(found) != BEFORE || bytes28(found[BEFORE.length + DIGITS:]) != AFTER) {
            revert LogAnchorNoDecision(offset);
        }
        uint256 digest = 0;
        for (uint256 i = BEFORE.length; i < BEFORE.length + DIGITS; ++i) {
            uint8 digit = uint8(found[i]);
            if (digit >= 0x30 && digit <= 0x39) digit -= 0x30; // 0 to 9
            else if (digit >= 0x61 && digit <= 0x66) digit -= 0x57; // a to f
            else revert LogAnchorNoDecision(offset);
            digest = digest << 4 | digit;
        }
        return bytes32(digest);
    }
}
