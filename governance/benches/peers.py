"""Trains the benchmark's models and times how fast other libraries attribute them to features.

Writes into a folder: model files, `rows.f64` (little-endian doubles, row after row), `values-<model>.f64` (what a peer
attributes for the first rows), and `peers.json`. `attributions.rs` reads them and measures our side.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import numpy as np

FEATURES = 20
ROWS = 4096
BACKGROUND = 100
COMPARED = 64


def data(rows, seed):
    """Features and a target with interactions, steps, a tail of weak features and noise."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((rows, FEATURES)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(2 * x[:, 2]) + np.abs(x[:, 3]) * x[:, 4] + x[:, 5:12] @ np.linspace(1, 0.2, 7)
    return x, (y + 0.5 * random.standard_normal(rows)).astype(np.float32)


def microseconds(call, rows, seconds=2.0, rounds=7):
    """Microseconds per row, as the best of several rounds over as many rows as fit the time."""
    count = min(16, len(rows))
    while True:
        batch = rows[:count]
        call(batch)
        started = time.perf_counter()
        call(batch)
        took = time.perf_counter() - started
        if count == len(rows) or took * 4 > seconds / rounds:
            break
        count = min(len(rows), count * 4)
    best = took
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        started = time.perf_counter()
        call(batch)
        best = min(best, time.perf_counter() - started)
    return best / count * 1e6


def xgboost_peers(name, path, rows, background, out, slow):
    import xgboost

    # With one and two threads. What a call spends on wrapping the rows is its own; it is small in bulk.
    for threads in (1, 2):
        booster = xgboost.Booster({"nthread": threads})
        booster.load_model(path)
        call = lambda x: booster.predict(xgboost.DMatrix(x, nthread=threads), pred_contribs=True)
        record(out, name, f"xgboost {xgboost.__version__}", "path-dependent", threads, microseconds(call, rows))
    values = booster.predict(xgboost.DMatrix(rows[:COMPARED]), pred_contribs=True)
    values[:, :-1].astype("<f8").tofile(path.with_name(f"values-{name}.f64"))
    for threads in (1, 2):
        # Its threads are a setting of the process.
        again = [sys.executable, __file__, str(path.parent), "--hessboost", name]
        found = subprocess.run(again, env={**os.environ, "RAYON_NUM_THREADS": str(threads)}, capture_output=True, text=True)
        if found.returncode:
            print(f"hessboost was not measured: {found.stderr.strip().splitlines()[-1]}")
            break
        peer, time = found.stdout.rsplit(maxsplit=1)
        record(out, name, peer, "path-dependent", threads, float(time))
    if slow:
        shap_peer(name, booster, rows, background, out)


def hessboost_peer(path):
    import hessboost

    rows = np.fromfile(path.with_name("rows.f64"), "<f8").reshape(-1, FEATURES).astype(np.float32)
    booster = hessboost.Booster(str(path))
    print(f"hessboost {version('hessboost')}", microseconds(lambda x: booster.predict(x, pred_contribs=True), rows))


def shap_peer(name, model, rows, background, out):
    try:
        import shap
    except ImportError:
        print("shap is not installed, so it is not measured")
        return
    explainer = shap.TreeExplainer(model)
    # Asked in the usual way, shap hands XGBoost models back to XGBoost; its own C code is what is meant here.
    record(out, name, f"shap {shap.__version__} C", "path-dependent", 1, microseconds(lambda x: c_code(explainer, x), rows))
    against = shap.TreeExplainer(model, background, feature_perturbation="interventional")
    call = lambda x: against.shap_values(x, check_additivity=False)
    record(out, name, f"shap {shap.__version__} C", "interventional", 1, microseconds(call, rows))


def c_code(explainer, x):
    from shap.explainers import _tree

    model = explainer.model
    x = x.astype(model.input_dtype)
    values = np.zeros((len(x), x.shape[1] + 1, model.num_outputs))
    _tree._cext.dense_tree_shap(
        model.children_left, model.children_right, model.children_default, model.features, model.thresholds,
        model.threshold_types, model.values, model.node_sample_weight, model.max_depth, x, np.isnan(x), None, None, None,
        len(model.values), model.base_offset, values, _tree.feature_perturbation_codes["tree_path_dependent"],
        _tree.output_transform_codes["identity"], False,
    )  # fmt: skip
    return values


def version(package):
    from importlib.metadata import version as installed

    return installed(package)


def record(out, model, peer, method, threads, time):
    print(f"{model:<10} {method:<15} {threads} thread{'s' if threads > 1 else ' '} {time:>12.2f} us/row  {peer}", flush=True)
    out.append({"model": model, "peer": peer, "method": method, "threads": threads, "microseconds": time})


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--large", action="store_true", help="the model of 1000 trees of depth 10, too")
    arguments.add_argument("--hessboost", metavar="MODEL", help="only time hessboost on a model that is already in the folder")
    arguments = arguments.parse_args()
    folder = arguments.folder
    if arguments.hessboost:
        return hessboost_peer(folder / f"{arguments.hessboost}.json")
    folder.mkdir(parents=True, exist_ok=True)
    x, y = data(20_000, 1)
    rows, _ = data(ROWS, 2)
    background, _ = data(BACKGROUND, 3)
    rows.astype("<f8").tofile(folder / "rows.f64")
    background.astype("<f8").tofile(folder / "background.f64")
    out = []

    import xgboost

    sizes = [("small", 100, 6), ("medium", 500, 8)] + ([("large", 1000, 10)] if arguments.large else [])
    for name, trees, depth in sizes:
        settings = {"max_depth": depth, "eta": 0.1 if depth < 10 else 0.05, "tree_method": "hist", "seed": 7, "nthread": 2}
        booster = xgboost.train(settings, xgboost.DMatrix(x, y), trees)
        path = folder / f"{name}.json"
        booster.save_model(path)
        xgboost_peers(name, path, rows, background, out, slow=name != "large")

    try:
        import lightgbm
    except ImportError:
        print("LightGBM is not installed, so it is not measured")
    else:
        settings = {"objective": "regression", "num_leaves": 63, "learning_rate": 0.1, "seed": 7, "verbose": -1, "num_threads": 2}
        booster = lightgbm.train({**settings, "deterministic": True, "force_row_wise": True}, lightgbm.Dataset(x, y), 300)
        booster.save_model(folder / "lightgbm.txt")
        for threads in (1, 2):
            call = lambda x: booster.predict(x, pred_contrib=True, num_threads=threads)
            record(out, "lightgbm", f"lightgbm {lightgbm.__version__}", "path-dependent", threads, microseconds(call, rows))
        values = booster.predict(rows[:COMPARED], pred_contrib=True)
        values[:, :-1].astype("<f8").tofile(folder / "values-lightgbm.f64")

    try:
        import catboost
    except ImportError:
        print("CatBoost is not installed, so it is not measured")
    else:
        model = catboost.CatBoostRegressor(
            iterations=500, depth=6, learning_rate=0.1, random_seed=7, thread_count=2, verbose=0, allow_writing_files=False
        )
        model.fit(x, y)
        model.save_model(str(folder / "catboost.json"), format="json")
        for threads in (1, 2):
            call = lambda x: model.get_feature_importance(catboost.Pool(x), type="ShapValues", thread_count=threads)
            record(out, "catboost", f"catboost {catboost.__version__}", "path-dependent", threads, microseconds(call, rows))
        values = model.get_feature_importance(catboost.Pool(rows[:COMPARED]), type="ShapValues")
        values[:, :-1].astype("<f8").tofile(folder / "values-catboost.f64")

    (folder / "peers.json").write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
