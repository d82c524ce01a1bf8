"""Trains the cadence steward's demand model from the simulated history, and describes it in a card.

    python train.py           writes model.json and card.json
    python train.py --check   trains again and exits 1 unless both files would be the same, byte for byte

One thread, no sampling and exact split finding: the same library version gives the same bytes.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy
import xgboost

import simulate

HERE = Path(__file__).parent
NAME = "tideline-demand"
VERSION = "1.0.0"
ROUNDS = 84
PARAMETERS = {
    "objective": "reg:squarederror",
    "tree_method": "exact",
    "max_depth": 4,
    "eta": 0.08,
    "lambda": 2.0,
    "min_child_weight": 16,
    "seed": 1,
    "nthread": 1,
    # More mints, more newcomers and more secondary sales never mean that fewer are wanted; a higher price never means
    # that more are. Last week's comparison with the week before may speak either way, and so may the cadence.
    "monotone_constraints": "(1,1,0,1,1,-1,0)",
}
HOLD_OUT_EVERY = 5  # every fifth season is never trained on


def matrix(rows: list) -> xgboost.DMatrix:
    return xgboost.DMatrix(
        numpy.array([features for features, _ in rows], dtype=numpy.float32),
        label=numpy.array([demand for _, demand in rows], dtype=numpy.float32),
        feature_names=list(simulate.FEATURES),
        nthread=1,
    )


def train(rows: list) -> xgboost.Booster:
    return xgboost.train(PARAMETERS, matrix(rows), num_boost_round=ROUNDS)


def errors(predicted, observed) -> dict:
    """Mean absolute and root mean square error, rounded to what a card can honestly say."""
    difference = numpy.asarray(predicted, dtype=numpy.float64) - numpy.asarray(observed, dtype=numpy.float64)
    return {
        "mae": round(float(numpy.abs(difference).mean()), 3),
        "rmse": round(float(numpy.sqrt((difference**2).mean())), 3),
    }


def describe(booster: xgboost.Booster, model: bytes, training: list, held_out: list) -> dict:
    observed = [demand for _, demand in held_out]
    found = errors(booster.predict(matrix(held_out)), observed)
    # What someone without a model would say: next week wants what last week minted.
    naive = errors([features[1] / 7 for features, _ in held_out], observed)
    # The range in which the registry lets the cadence be, where an error costs something.
    near = [row for row in held_out if row[1] <= simulate.HIGHEST_CADENCE]
    within_range = errors(booster.predict(matrix(near)), [demand for _, demand in near])
    unit = "tokens/day"
    return {
        "name": NAME,
        "version": VERSION,
        "format": "xgboost-json",
        "sha256": hashlib.sha256(model).hexdigest(),
        "bytes": len(model),
        "features": list(simulate.FEATURES),
        "output": {"label": "Demand expected next week", "unit": unit},
        "dataWindow": f"simulated: {simulate.SEASONS} seasons of {simulate.WEEKS} weeks, seed {simulate.SEED}",
        "rows": {"training": len(training), "holdOut": len(held_out)},
        "metrics": [
            {"name": "mae", "value": found["mae"], "unit": unit},
            {"name": "rmse", "value": found["rmse"], "unit": unit},
            {"name": "mae where at most 60 a day were wanted", "value": within_range["mae"], "unit": unit},
            {"name": "mae of guessing last week's mints instead", "value": naive["mae"], "unit": unit},
        ],
        "training": {
            "command": "python train.py",
            "library": f"xgboost {xgboost.__version__}",
            "rounds": ROUNDS,
            "parameters": PARAMETERS,
        },
    }


def build() -> dict:
    """The two files, by name."""
    seasons = simulate.simulate()
    training = [row for number, season in enumerate(seasons) if number % HOLD_OUT_EVERY for row in season]
    held_out = [row for number, season in enumerate(seasons) if not number % HOLD_OUT_EVERY for row in season]
    booster = train(training)
    model = bytes(booster.save_raw("json"))
    card = describe(booster, model, training, held_out)
    return {"model.json": model, "card.json": (json.dumps(card, indent=2) + "\n").encode()}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare with the files here and write nothing")
    check = arguments.parse_args().check

    different = []
    for name, content in build().items():
        path = HERE / name
        if not check:
            path.write_bytes(content)
        elif not path.exists() or path.read_bytes() != content:
            different.append(name)
    if different:
        print(f"not reproduced: {', '.join(different)}", file=sys.stderr)
        return 1
    print("the same, byte for byte" if check else "written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
