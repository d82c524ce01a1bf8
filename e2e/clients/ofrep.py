#!/usr/bin/env python3
"""Reads every parameter with the published Python client and holds it against the bridge's own API.

    ofrep.py http://127.0.0.1:3000

Exits 0 when all values and variants agree, 1 when one does not, 2 when called wrongly.
"""

import json
import sys
import urllib.request

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext


def read(base, path):
    with urllib.request.urlopen(base + path, timeout=30) as response:
        return json.load(response)["items"]


def ask(client, parameter, context):
    """Asks with the method that fits the type; integers and decimals are two."""
    key, kind = parameter["key"], parameter["type"]
    if kind == "toggle":
        return client.get_boolean_details(key, not parameter["value"], context)
    if kind in ("integer", "time"):
        return client.get_integer_details(key, -1, context)
    if kind == "decimal":
        return client.get_float_details(key, -1.0, context)
    return client.get_string_details(key, "a default that nothing is", context)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    base = sys.argv[1].rstrip("/")
    parameters = read(base, "/api/v1/parameters")
    engine = next(engine for engine in read(base, "/api/v1/engines") if engine["id"] == parameters[0]["engine"])
    variant = f"r{engine['served']['revision']}"
    api.set_provider(OFREPProvider(base))
    client = api.get_client()
    context = EvaluationContext(attributes={"engine": engine["id"]})
    wrong = 0
    for parameter in parameters:
        details = ask(client, parameter, context)
        if details.error_code or details.value != parameter["value"] or details.variant != variant:
            print(f"WRONG {parameter['key']} ({parameter['type']}): {details}", file=sys.stderr)
            wrong += 1
    if not wrong:
        print(f"openfeature-provider-ofrep reads {len(parameters)} parameters as ratified in {variant}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
