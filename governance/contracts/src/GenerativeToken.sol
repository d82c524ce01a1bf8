// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IERC165} from "@openzeppelin/contracts/interfaces/IERC165.sol";
import {IERC2981} from "@openzeppelin/contracts/interfaces/IERC2981.sol";
import {IERC4906} from "@openzeppelin/contracts/interfaces/IERC4906.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IERC7496} from "./IERC7496.sol";
import {IERC7572} from "./IERC7572.sol";
import {IParameterObserver} from "./IParameterObserver.sol";
import {Definition, ParameterRegistry, ParameterType} from "./ParameterRegistry.sol";

/// @title Artworks that follow ratified parameters
/// @notice An ERC-721 collection whose offer (open or not, price, tokens per day, end
/// of the season), royalty and look are read from a {ParameterRegistry}. The contract
/// keeps no copy of them: what was ratified last is what holds, for old tokens too.
/// @dev What could surprise an integrator:
///  - Every token changes its look when the community ratifies a change. A page or a
///    market that stores images listens to `BatchMetadataUpdate` (ERC-4906).
///  - {seedOf} depends on nothing but this contract and the id, so the seed of a token
///    is known before it is minted. Who mints may pick the moment, never the seed.
///  - {mint} does not ask a receiving contract whether it can handle ERC-721. The
///    token goes to the caller, who wanted it.
///  - A day is a UTC day, `block.timestamp / 1 days`. When the cadence falls during a
///    day below what was minted already, the offer rests until midnight.
///  - A refund goes back by a plain call. A contract that overpays and cannot receive
///    ether has its mint refused.
///  - All parameters named here must be defined before the first mint; until then
///    {mint} reverts with the registry's error.
contract GenerativeToken is
    IERC4906,
    IERC2981,
    IERC7496,
    IERC7572,
    IParameterObserver,
    ERC721,
    ReentrancyGuardTransient
{
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice The most tokens of one call to {mint}.
    uint256 public constant MAX_QUANTITY = 20;

    uint256 private constant BASIS_POINTS = 10_000;

    /// @dev keccak256("revision"): the trait that counts ratified changes.
    bytes32 private constant REVISION_TRAIT = keccak256("revision");

    bytes32 private constant MINT_OPEN = "mint.open";
    bytes32 private constant MINT_PRICE = "mint.price";
    bytes32 private constant MINT_CADENCE = "mint.cadence";
    bytes32 private constant SEASON_CLOSES = "season.closes";
    bytes32 private constant ROYALTY = "royalty";

    /// @notice Receives proceeds and royalties, and alone sets the addresses of metadata.
    address public immutable timelock;
    /// @notice Where the parameters are read.
    ParameterRegistry public immutable registry;
    /// @notice Which parameters of the registry are this collection's.
    bytes32 public immutable engine;

    uint128 private _totalMinted;
    uint64 private _day;
    uint64 private _mintedOnDay;
    string private _base;
    string private _contractURI;

    /// @dev `quantity` tokens from `firstTokenId` on, minted under `revision`.
    event Minted(address indexed to, uint256 indexed firstTokenId, uint256 quantity, uint64 revision);

    /// @dev Only the timelock sets metadata, only the registry announces revisions.
    error GenerativeTokenUnauthorized(address caller);
    /// @dev This collection follows another engine.
    error GenerativeTokenOtherEngine(bytes32 engine);
    /// @dev `mint.open` is false.
    error GenerativeTokenMintClosed();
    /// @dev The season ended at `closed`, in unix seconds.
    error GenerativeTokenSeasonClosed(uint256 closed);
    /// @dev A call mints 1 to `max` tokens.
    error GenerativeTokenQuantity(uint256 quantity, uint256 max);
    /// @dev Only `left` more tokens are offered on this UTC day.
    error GenerativeTokenCadenceReached(uint256 quantity, uint256 left);
    /// @dev `sent` wei is less than the `price` of all tokens asked for.
    error GenerativeTokenUnderpaid(uint256 sent, uint256 price);
    /// @dev `to` did not accept ether.
    error GenerativeTokenPaymentRefused(address to);
    /// @dev Traits move when a change is ratified, and in no other way.
    error GenerativeTokenTraitIsRatified(bytes32 traitKey);

    modifier onlyTimelock() {
        if (msg.sender != timelock) {
            revert GenerativeTokenUnauthorized(msg.sender);
        }
        _;
    }

    constructor(
        string memory name_,
        string memory symbol_,
        address timelock_,
        ParameterRegistry registry_,
        bytes32 engine_,
        string memory baseURI,
        string memory contractURI_
    ) ERC721(name_, symbol_) {
        timelock = timelock_;
        registry = registry_;
        engine = engine_;
        _base = baseURI;
        _contractURI = contractURI_;
    }

    /// @notice Mints `quantity` tokens to the caller at the ratified price. What is sent
    /// beyond the price comes back in the same call.
    function mint(uint256 quantity) external payable nonReentrant {
        if (quantity == 0 || quantity > MAX_QUANTITY) {
            revert GenerativeTokenQuantity(quantity, MAX_QUANTITY);
        }
        if (registry.integerOf(engine, MINT_OPEN) == 0) {
            revert GenerativeTokenMintClosed();
        }
        uint256 closes = registry.integerOf(engine, SEASON_CLOSES).toUint256();
        if (block.timestamp >= closes) {
            revert GenerativeTokenSeasonClosed(closes);
        }
        uint256 left = leftToday();
        if (quantity > left) {
            revert GenerativeTokenCadenceReached(quantity, left);
        }
        uint256 cost = price() * quantity;
        if (msg.value < cost) {
            revert GenerativeTokenUnderpaid(msg.value, cost);
        }

        uint256 first = uint256(_totalMinted) + 1;
        _mintedOnDay = (mintedToday() + quantity).toUint64();
        _day = _today();
        _totalMinted += quantity.toUint128();
        for (uint256 i = 0; i < quantity; ++i) {
            _mint(msg.sender, first + i);
        }
        emit Minted(msg.sender, first, quantity, registry.revision(engine));

        // Last, when every count is settled.
        _pay(timelock, cost);
        _pay(msg.sender, msg.value - cost);
    }

    /// @inheritdoc IParameterObserver
    /// @dev Tells the indexers of three standards that something moved. Traits are
    /// announced only if this revision set them, and only for tokens that exist.
    function parametersChanged(bytes32 engine_, uint64 revision) external {
        if (msg.sender != address(registry)) {
            revert GenerativeTokenUnauthorized(msg.sender);
        }
        if (engine_ != engine) {
            revert GenerativeTokenOtherEngine(engine_);
        }
        // The whole range is how ERC-4906 says "all tokens".
        emit BatchMetadataUpdate(0, type(uint256).max);
        emit ContractURIUpdated();

        uint256 last = _totalMinted;
        if (last != 0) {
            emit TraitUpdatedRangeUniformValue(REVISION_TRAIT, 1, last, bytes32(uint256(revision)));
        }
        bytes32[6] memory looks = _looks();
        bool described = false;
        for (uint256 i = 0; i < looks.length; ++i) {
            bytes32 key = looks[i];
            try registry.revisionOf(engine, key) returns (uint64 since) {
                if (since != revision) continue;
            } catch {
                continue; // not defined, so not a trait
            }
            described = described || registry.changedAt(engine, key) == 0;
            (bool known, bytes32 value) = _look(key);
            if (known && last != 0) {
                emit TraitUpdatedRangeUniformValue(_traitKey(key), 1, last, value);
            }
        }
        if (described) {
            emit TraitMetadataURIUpdated();
        }
    }

    /// @notice Sets what every token's address of metadata begins with.
    function setBaseURI(string calldata baseURI) external onlyTimelock {
        _base = baseURI;
        emit BatchMetadataUpdate(0, type(uint256).max);
    }

    /// @notice Sets the address of the collection's own metadata.
    function setContractURI(string calldata contractURI_) external onlyTimelock {
        _contractURI = contractURI_;
        emit ContractURIUpdated();
    }

    /// @notice Always refused, for the owner of the token too: only a ratified change moves a trait.
    function setTrait(uint256, bytes32 traitKey, bytes32) external pure {
        revert GenerativeTokenTraitIsRatified(traitKey);
    }

    /// @notice The value of a trait: keccak256 of `revision`, or of the key of a parameter
    /// that shapes the look (`ink`, `layers`, `mirror`, `moon.rarity`, `palette`, `swell`).
    /// @dev The same for every token. The word is the registry's, so a number is signed and a
    /// decimal is scaled; {getTraitMetadataURI} says how to read it.
    function getTraitValue(uint256 tokenId, bytes32 traitKey) public view returns (bytes32) {
        _requireOwned(tokenId);
        return _traitValue(traitKey);
    }

    /// @notice The values of several traits, in the order asked for.
    function getTraitValues(uint256 tokenId, bytes32[] calldata traitKeys)
        external
        view
        returns (bytes32[] memory values)
    {
        _requireOwned(tokenId);
        values = new bytes32[](traitKeys.length);
        for (uint256 i = 0; i < traitKeys.length; ++i) {
            values[i] = _traitValue(traitKeys[i]);
        }
    }

    /// @notice Describes the traits, as a data URI drawn up from the registry's definitions.
    function getTraitMetadataURI() external view returns (string memory) {
        string memory json =
            '{"traits":{"revision":{"displayName":"revision","dataType":{"type":"decimal","signed":false,"decimals":0}}';
        bytes32[6] memory looks = _looks();
        for (uint256 i = 0; i < looks.length; ++i) {
            try registry.definitionOf(engine, looks[i]) returns (Definition memory definition) {
                if (definition.kind == ParameterType.Text) continue;
                string memory key = _text(looks[i]);
                json = string.concat(json, ',"', key, '":{"displayName":"', key, '","dataType":');
                json = string.concat(json, _dataType(definition), "}");
            } catch {} // not defined, so not a trait
        }
        return string.concat("data:application/json;base64,", Base64.encode(bytes(string.concat(json, "}}"))));
    }

    /// @notice The timelock, and the ratified share of `salePrice`.
    /// @dev Not enforceable: markets decide whether to pay. Before `royalty` is defined the
    /// share is zero. The same for every id, whether minted or not.
    function royaltyInfo(uint256, uint256 salePrice) external view returns (address, uint256) {
        try registry.integerOf(engine, ROYALTY) returns (int256 raw) {
            // Percent with two decimals is basis points. The bounds are the registry's; this
            // only keeps a careless definition from asking for more than the sale.
            uint256 share = raw > 0 ? Math.min(uint256(raw), BASIS_POINTS) : 0;
            return (timelock, Math.mulDiv(salePrice, share, BASIS_POINTS));
        } catch {
            return (timelock, 0);
        }
    }

    /// @inheritdoc IERC7572
    function contractURI() external view returns (string memory) {
        return _contractURI;
    }

    /// @notice Where the drawing of token `id` begins. Needs no token to exist.
    function seedOf(uint256 id) external view returns (uint256) {
        return uint256(keccak256(abi.encode(address(this), id)));
    }

    /// @notice Tokens minted so far, which is also the last id.
    function totalMinted() external view returns (uint256) {
        return _totalMinted;
    }

    /// @notice Tokens minted since the last UTC midnight.
    function mintedToday() public view returns (uint256) {
        return _day == _today() ? _mintedOnDay : 0;
    }

    /// @notice Tokens that the cadence still allows before the next UTC midnight.
    /// @dev Says nothing about whether the mint is open; see {mint}.
    function leftToday() public view returns (uint256) {
        return Math.saturatingSub(registry.integerOf(engine, MINT_CADENCE).toUint256(), mintedToday());
    }

    /// @notice The price of one token, in wei.
    function price() public view returns (uint256) {
        uint256 raw = registry.integerOf(engine, MINT_PRICE).toUint256();
        return raw * 10 ** (18 - registry.decimalsOf(engine, MINT_PRICE));
    }

    /// @inheritdoc IERC165
    function supportsInterface(bytes4 interfaceId) public view override(ERC721, IERC165) returns (bool) {
        return interfaceId == type(IERC2981).interfaceId // 0x2a55205a
            || interfaceId == bytes4(0x49064906) // ERC-4906, which has events only and so names its id itself
            || interfaceId == type(IERC7496).interfaceId // 0xaf332f3e
            || super.supportsInterface(interfaceId);
    }

    function _baseURI() internal view override returns (string memory) {
        return _base;
    }

    function _today() private view returns (uint64) {
        return uint64(block.timestamp / 1 days);
    }

    function _pay(address to, uint256 amount) private {
        if (amount == 0) return;
        (bool accepted,) = to.call{value: amount}("");
        if (!accepted) {
            revert GenerativeTokenPaymentRefused(to);
        }
    }

    /// @dev The parameters that a recipe draws with and that fit a word, ascending.
    function _looks() private pure returns (bytes32[6] memory) {
        return [bytes32("ink"), "layers", "mirror", "moon.rarity", "palette", "swell"];
    }

    function _traitValue(bytes32 traitKey) private view returns (bytes32) {
        if (traitKey == REVISION_TRAIT) {
            return bytes32(uint256(registry.revision(engine)));
        }
        bytes32[6] memory looks = _looks();
        for (uint256 i = 0; i < looks.length; ++i) {
            if (_traitKey(looks[i]) != traitKey) continue;
            (bool known, bytes32 value) = _look(looks[i]);
            if (known) return value;
        }
        revert TraitKeyUnknown(traitKey);
    }

    /// @dev The word of a look; unknown while it is not defined, or defined as text.
    function _look(bytes32 key) private view returns (bool, bytes32) {
        try registry.integerOf(engine, key) returns (int256 value) {
            return (true, bytes32(uint256(value)));
        } catch {
            return (false, bytes32(0));
        }
    }

    function _dataType(Definition memory definition) private pure returns (string memory) {
        if (definition.kind == ParameterType.Toggle) return '{"type":"boolean"}';
        if (definition.kind == ParameterType.Time) return '{"type":"epochSeconds"}';
        if (definition.kind != ParameterType.Choice) {
            return string.concat(
                '{"type":"decimal","signed":', definition.min < 0 ? "true" : "false",
                ',"decimals":', Strings.toString(definition.decimals), "}"
            );
        }
        string memory mappings = "";
        for (uint256 i = 0; i < definition.options.length; ++i) {
            mappings = string.concat(mappings, i == 0 ? '"' : ',"', Strings.toHexString(i, 32), '":"');
            mappings = string.concat(mappings, Strings.escapeJSON(definition.options[i]), '"');
        }
        return string.concat('{"type":"string","valueMappings":{', mappings, "}}");
    }

    function _traitKey(bytes32 key) private pure returns (bytes32) {
        return keccak256(bytes(_text(key)));
    }

    /// @dev A key without the zeros that follow it.
    function _text(bytes32 key) private pure returns (string memory) {
        uint256 length = 0;
        while (length < 32 && key[length] != 0) ++length;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            text[i] = key[i];
        }
        return string(text);
    }
}
