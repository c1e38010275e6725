"""Validates files of `stepmark profile rom` against the schema in the file of the first argument.

The others are the files; `FILE#/a/b` is the value at `/a/b` of one. The schema must refuse what is no such file, too: each
without one of the fields that it requires, and with one that nobody knows. With `--lenient` as the first argument the
schema is another's, which may require less: only validity is tested.
"""

import copy
import json
import sys

import jsonschema

# Fields that a file need not have, and objects of names that are not fixed.
OPTIONAL = ("/training/total_seconds", "/winners/fastest_training")
FREE = ("machine", "_speedup", "_ratio")


def strict(text):
    raise ValueError(f"{text} is no JSON")


def fields(value, at=""):
    """Yields the pointers of all fields of objects in `value`, and whether their names are fixed."""
    if isinstance(value, dict):
        is_free = at.endswith(FREE)
        for name, inner in value.items():
            yield f"{at}/{name}", not is_free
            yield from fields(inner, f"{at}/{name}")


def broken(document):
    """Yields what was done to a copy of `document`, and the copy, which is no such file."""
    for pointer, is_fixed in fields(document):
        *path, last = pointer.split("/")[1:]
        copied = copy.deepcopy(document)
        holder = copied
        for name in path:
            holder = holder[name]
        value = holder[last]
        is_optional = pointer in OPTIONAL or pointer.startswith("/complexity/") and last not in ("total_parameters", "latent_dimension")
        if is_fixed and not is_optional:
            del holder[last]
            yield f"no {pointer}", copied
        if isinstance(value, dict) and not pointer.endswith(FREE):
            changed = copy.deepcopy(copied)
            holder = changed
            for name in path:
                holder = holder[name]
            holder[last] = value | {"unknown": 1}
            yield f"an unknown field in {pointer}", changed
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            changed = copy.deepcopy(document)
            holder = changed
            for name in path:
                holder = holder[name]
            holder[last] = str(value)
            yield f"a text at {pointer}", changed
    yield "an unknown field", document | {"unknown": 1}


def main():
    arguments = sys.argv[1:]
    is_lenient = arguments[0] == "--lenient"
    schema_file, *files = arguments[is_lenient:]
    with open(schema_file, encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)
    others, bad = 0, 0
    for name in files:
        path, _, pointer = name.partition("#")
        with open(path, encoding="utf-8") as file:
            document = json.load(file, parse_constant=strict)
        for key in pointer.split("/")[1:]:
            document = document[int(key) if isinstance(document, list) else key]
        for error in validator.iter_errors(document):
            bad += 1
            print(f"runtime.py: {name}: {error.json_path}: {error.message}", file=sys.stderr)
        for what, changed in [] if is_lenient else broken(document):
            others += 1
            if validator.is_valid(changed):
                bad += 1
                print(f"runtime.py: {name} is valid with {what}", file=sys.stderr)
    if not files:
        sys.exit("runtime.py: no file")
    if bad:
        sys.exit(1)
    refused = "" if is_lenient else f", and {others} that are none are not"
    print(f"runtime.py: {len(files)} files are valid by {schema_file}{refused}")


main()
