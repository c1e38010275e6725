"""Validates files of `stepmark profile` and `compare` against the schema in the file of the first argument.

The others are the files; `FILE#/a/b` is the value at `/a/b` of one. The schema must refuse what is no such file, too: each
without one of the fields that it requires, and with one that nobody knows. With `--lenient` as the first argument the
schema is another's, which may require less: only validity is tested.
"""

import json
import sys

from validator import Validator, copied, fields, find

# Fields that a file need not have, and objects of names that are not fixed.
OPTIONAL = (
    "/training/total_seconds", "/winners/fastest_training", "/hotspots/components/energy", "/hotspots/components/forces"
)
COUNTED = ("/complexity/total_parameters", "/complexity/latent_dimension")
FREE = ("machine", "_speedup", "_ratio", "_difference")


def strict(text):
    raise ValueError(f"{text} is no JSON")


def broken(document):
    """Yields what was done to a copy of `document`, and the copy, which is no such file."""
    if isinstance(document, list):
        document = document[:1]  # the others are alike
    for pointer in fields(document):
        is_optional = pointer in OPTIONAL or pointer.startswith("/complexity/") and pointer not in COUNTED
        if not is_optional and not pointer.rpartition("/")[0].endswith(FREE):
            changed, holder, key = copied(document, pointer)
            del holder[key]
            yield f"no {pointer}", changed
        changed, holder, key = copied(document, pointer)
        value = holder[key]
        if isinstance(value, dict) and not pointer.endswith(FREE):
            holder[key] = value | {"unknown": 1}
            yield f"an unknown field in {pointer}", changed
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            holder[key] = str(value)
            yield f"a text at {pointer}", changed
    if isinstance(document, dict):
        yield "an unknown field", document | {"unknown": 1}


def main():
    arguments = sys.argv[1:]
    is_lenient = arguments[0] == "--lenient"
    schema, *files = arguments[is_lenient:]
    validator = Validator("profiles.py", schema)
    for name in files:
        path, _, pointer = name.partition("#")
        with open(path, encoding="utf-8") as file:
            document = json.load(file, parse_constant=strict)
        if pointer:
            holder, key = find(document, pointer)
            document = holder[key]
        validator.check(name, document, [] if is_lenient else broken(document))
    validator.end()


main()
