"""Writes what others' code makes of the model, for the Rust tests to agree with.

    python fixture.py         writes steward.json and decision.json to governance/tests/fixtures/explanation/

steward.json holds XGBoost's own predictions and attributions. Rows are drawn from seasons the model never saw, plus
some made by hand: nothing known at all, one value missing, values on a split's threshold, and values far outside the
training range. A missing value is null.

decision.json holds a decision record with XGBoost's numbers, and its digest, signing hash and signature as computed by
the `rfc8785` and `eth-account` packages. The key is the hash of a public sentence: good for tests and nothing else.
"""

import hashlib
import json
import math
from pathlib import Path

import numpy
import rfc8785
import xgboost
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data

import simulate

HERE = Path(__file__).parent
TARGET = HERE.parents[2] / "governance/tests/fixtures/explanation"
SEEDS = range(40)
CHAIN_ID = 31337
REGISTRY = "0x" + "5a" * 20
KEY = hashlib.sha256(b"cadence steward, for tests only").digest()
LABELS = {
    "fill_7d": ("Share of offered mints taken, last 7 days", ""),
    "mints_7d": ("Tokens minted, last 7 days", "tokens"),
    "mints_prev_7d": ("Tokens minted, the 7 days before", "tokens"),
    "new_collectors_7d": ("New collectors, last 7 days", ""),
    "transfers_7d": ("Transfers between holders, last 7 days", ""),
    "price_eth": ("Mint price", "ETH"),
    "cadence": ("Tokens offered a day", "tokens/day"),
}


def thresholds(model: dict, feature: int) -> list:
    """Every value at which some tree of the model splits this feature."""
    return sorted(
        {
            value
            for tree in model["learner"]["gradient_booster"]["model"]["trees"]
            for left, index, value in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"])
            if left != -1 and index == feature
        }
    )


def rows(model: dict) -> list:
    found = []
    for seed in SEEDS:
        season = simulate.season_rows(seed)
        found.append(season[seed % len(season)][0])
    unknown = [math.nan] * len(simulate.FEATURES)
    found.append(unknown)
    for feature in range(len(simulate.FEATURES)):
        ordinary = [0.9, 113.0, 104.0, 41.0, 30.0, 0.04, 18.0]
        without = list(ordinary)
        without[feature] = math.nan
        found.append(without)
    for place in (0.25, 0.5, 0.75):
        on_the_edge = []
        for feature in range(len(simulate.FEATURES)):
            values = thresholds(model, feature)
            on_the_edge.append(values[int(place * len(values))])
        found.append(on_the_edge)
    found.append([0.0] * len(simulate.FEATURES))
    found.append([2.0, 9000.0, 9000.0, 9000.0, 9000.0, 9.0, 900.0])
    return found


def booster() -> xgboost.Booster:
    return xgboost.Booster({"nthread": 1}, model_file=HERE / "model.json")


def explained(model: xgboost.Booster, table) -> list:
    """Each row as (prediction, baseline, attributions), all by XGBoost."""
    data = xgboost.DMatrix(table, feature_names=list(simulate.FEATURES), nthread=1)
    contributions = model.predict(data, pred_contribs=True)
    return [
        (float(prediction), float(contribution[-1]), [float(value) for value in contribution[:-1]])
        for prediction, contribution in zip(model.predict(data), contributions)
    ]


def steward(model: xgboost.Booster) -> str:
    table = numpy.array(rows(json.loads((HERE / "model.json").read_bytes())), dtype=numpy.float32)
    cases = [
        {
            # A float32 written as the double it is, so that reading it back gives the same float32.
            "row": [None if math.isnan(value) else float(value) for value in row],
            "prediction": prediction,
            "baseline": baseline,
            "attributions": attributions,
        }
        for row, (prediction, baseline, attributions) in zip(table, explained(model, table))
    ]
    head = json.dumps({"library": f"xgboost {xgboost.__version__}", "features": list(simulate.FEATURES)})
    return head[:-1] + ', "cases": [\n' + ",\n".join("  " + json.dumps(case) for case in cases) + "\n]}\n"


def decision(model: xgboost.Booster) -> str:
    row = [0.97, 122.0, 104.0, 58.0, None, 0.04, 18.0]
    table = numpy.array([[math.nan if value is None else value for value in row]], dtype=numpy.float32)
    prediction, baseline, attributions = explained(model, table)[0]
    card = json.loads((HERE / "card.json").read_text())
    agent = Account.from_key(KEY).address
    registry = f"eip155:{CHAIN_ID}:{REGISTRY}"
    record = {
        "schema": "/schemas/decision/v1",
        "agent": {"account": f"eip155:{CHAIN_ID}:{agent}", "name": "Cadence steward", "erc8004Id": None},
        "question": "How many tokens a day should be offered next week?",
        "at": 1763300000,
        "block": {"chain": f"eip155:{CHAIN_ID}", "number": 123},
        "basedOn": "0x" + "ab" * 32,
        "model": {key: card[key] for key in ("name", "version", "format", "sha256", "dataWindow", "metrics")},
        "inputs": [
            {"name": name, "label": LABELS[name][0], "value": value, "unit": LABELS[name][1], "source": registry, "at": "block 123"}
            for name, value in zip(simulate.FEATURES, row)
        ],
        "method": "tree-path-dependent",
        "baseline": {"value": baseline, "description": "the model\u2019s mean prediction, weighted by training cover"},
        "attributions": [{"name": name, "value": value} for name, value in zip(simulate.FEATURES, attributions)],
        "output": {**card["output"], "value": prediction},
        "rule": {
            "parameter": "mint.cadence",
            "text": "Offer nine tokens for every ten we expect to be wanted.",
            "factor": 0.9,
            "offset": 0.0,
            "decimals": 0,
            "current": "18",
            "min": "1",
            "max": "60",
            "maxStep": "12",
        },
        "changes": [
            {"engine": "tideline", "key": "mint.cadence", "from": "18", "to": str(math.floor(0.9 * prediction + 0.5))}
        ],
        "evidence": [],
    }
    digest = hashlib.sha256(rfc8785.dumps(record)).digest()
    message = encode_typed_data(
        {"name": "Wherefore", "version": "1", "chainId": CHAIN_ID, "verifyingContract": REGISTRY},
        {"Decision": [{"name": "agent", "type": "address"}, {"name": "decisionDigest", "type": "bytes32"}]},
        {"agent": agent, "decisionDigest": digest},
    )
    signature = Account.sign_message(message, KEY).signature
    record["signature"] = {"scheme": "eip712", "signer": agent, "value": "0x" + bytes(signature).hex()}
    fixture = {
        "chainId": CHAIN_ID,
        "registry": REGISTRY,
        "digest": "0x" + digest.hex(),
        "signingHash": "0x" + _hash_eip191_message(message).hex(),
        "record": record,
    }
    return json.dumps(fixture, indent=2) + "\n"


def main() -> None:
    model = booster()
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "steward.json").write_text(steward(model))
    (TARGET / "decision.json").write_text(decision(model))


if __name__ == "__main__":
    main()
