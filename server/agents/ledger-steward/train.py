"""Fits the ledger steward's straight line to the same simulated history the cadence steward learns from.

    python train.py           writes model.json and card.json
    python train.py --check   fits again and exits 1 unless both files would be the same, byte for byte

Ordinary least squares on the rows that have every input. Weights are rounded to a few decimals, so that they can be
written down, and so that another machine's last bits do not matter.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import numpy

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "cadence-steward"))
import simulate  # noqa: E402  (the simulator belongs to the cadence steward)

NAME = "tideline-ledger"
VERSION = "1.0.0"
HOLD_OUT_EVERY = 5  # the same seasons are held out as for the cadence steward
DECIMALS = 4


def table(seasons: list):
    rows = [(features, demand) for season in seasons for features, demand in season]
    whole = [row for row in rows if not any(value != value for value in row[0]) and row[1] <= simulate.HIGHEST_CADENCE]
    return numpy.array([features for features, _ in whole]), numpy.array([demand for _, demand in whole], dtype=float)


def errors(predicted, observed) -> dict:
    difference = predicted - observed
    return {
        "mae": round(float(numpy.abs(difference).mean()), 2),
        "rmse": round(float(numpy.sqrt((difference**2).mean())), 2),
    }


def build() -> dict:
    seasons = simulate.simulate()
    inputs, demand = table([season for number, season in enumerate(seasons) if number % HOLD_OUT_EVERY])
    tested, observed = table([season for number, season in enumerate(seasons) if not number % HOLD_OUT_EVERY])
    with_one = numpy.column_stack([inputs, numpy.ones(len(inputs))])
    solution, *_ = numpy.linalg.lstsq(with_one, demand, rcond=None)
    weights, intercept = numpy.round(solution[:-1], DECIMALS), round(float(solution[-1]), DECIMALS)
    model = {
        "format": "linear",
        "version": 1,
        "features": list(simulate.FEATURES),
        "outputs": ["demand"],
        "weights": [float(weight) for weight in weights],
        "intercept": intercept,
        "link": "identity",
        "means": [round(float(mean), DECIMALS) for mean in inputs.mean(axis=0)],
    }
    text = (json.dumps(model, indent=2) + "\n").encode()
    found = errors(tested @ weights + intercept, observed)
    naive = errors(tested[:, 1] / 7, observed)
    unit = "tokens/day"
    card = {
        "name": NAME,
        "version": VERSION,
        "format": "linear-json",
        "sha256": hashlib.sha256(text).hexdigest(),
        "bytes": len(text),
        "features": list(simulate.FEATURES),
        "output": {"label": "Demand expected next week", "unit": unit},
        "dataWindow": f"simulated: {simulate.SEASONS} seasons of {simulate.WEEKS} weeks, seed {simulate.SEED}; "
        f"weeks in which at most {simulate.HIGHEST_CADENCE} a day were wanted",
        "rows": {"training": len(inputs), "holdOut": len(tested)},
        "metrics": [
            {"name": "mae", "value": found["mae"], "unit": unit},
            {"name": "rmse", "value": found["rmse"], "unit": unit},
            {"name": "mae of guessing last week's mints instead", "value": naive["mae"], "unit": unit},
        ],
        "training": {"command": "python train.py", "method": "ordinary least squares"},
    }
    return {"model.json": text, "card.json": (json.dumps(card, indent=2) + "\n").encode()}


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
    return 0


if __name__ == "__main__":
    sys.exit(main())
