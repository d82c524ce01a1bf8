"""Microseconds that XGBoost needs for the contributions of one row of the steward's model, on one thread."""

import pathlib
import time

import numpy
import xgboost

model = xgboost.Booster({"nthread": 1})
model.load_model(pathlib.Path(__file__).with_name("model.json"))
row = numpy.array([[0.97, 122.0, 110.0, 58.0, 40.0, 0.04, 18.0]], dtype=numpy.float32)
# In bulk, so that the cost of a Python call is not counted against the library.
rows = numpy.repeat(row, 2000, axis=0)
data = xgboost.DMatrix(rows, feature_names=model.feature_names, nthread=1)
model.predict(data, pred_contribs=True)
best = min(
    (lambda started: (model.predict(data, pred_contribs=True), time.perf_counter() - started)[1])(time.perf_counter())
    for _ in range(5)
)
print(best / len(rows) * 1e6)
