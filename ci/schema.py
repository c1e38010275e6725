"""Validates documents, one a line of the standard input, against the schema in the file of the first argument.

The schema must refuse what is no outcome, too: each document without one of its fields, with one that nobody knows, or
with a value that cannot be.
"""

import copy
import json
import sys

import jsonschema

# Fields and values that they cannot have, whatever the others are.
IMPOSSIBLE = [
    ("/schema", 1),
    ("/stepmark", ""),
    ("/command", "record"),
    ("/started", "yesterday"),
    ("/commit", "HEAD"),
    ("/exit", 2),
    ("/verdict", "fine"),
    ("/selected/0", 7),
    ("/compared", -1),
    ("/questions", []),
    ("/questions/0/state", "passed"),
    ("/questions/0/name", "instructions"),
    ("/findings", [{"kind": "note"}]),
    ("/findings/0/kind", "pass"),
    ("/counts/0/new/instructions", 0),
    ("/counts/0/old", {"instructions": 1}),
    ("/findings/0/question", 2),
    ("/wall/cases/0/ratio", None),
    ("/wall/cases/0/same", "unclear"),
    ("/wall/cases/0/new/median_ns", "1"),
    ("/duet", {}),
    ("/duet/cases/0/change", "slow"),
    ("/duet/cases/0/ratio", 0),
    ("/duet/cases/0/slower_q", 1.5),
    ("/duet/cases/0/metric", "cpu"),
    ("/duet/self_tests/0/one_sided", 1.1),
]


def fields(value, at=""):
    """Yields the pointers of all fields of objects in `value`."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{at}/{name}"
            yield from fields(inner, f"{at}/{name}")
    elif isinstance(value, list):
        for k, inner in enumerate(value):
            yield from fields(inner, f"{at}/{k}")


def find(document, pointer):
    """Returns what holds the value at `pointer`, and the value's name or number there; None if there is none."""
    *path, last = pointer.split("/")[1:]
    for name in path:
        document = document[int(name) if isinstance(document, list) else name]
    key = int(last) if isinstance(document, list) else last
    document[key]
    return document, key


def broken(document):
    """Yields what was done to a copy of `document`, and the copy, which is no outcome."""
    for pointer in fields(document):
        copied = copy.deepcopy(document)
        holder, key = find(copied, pointer)
        value = holder.pop(key)
        yield f"no {pointer}", copied
        if isinstance(value, dict):
            holder[key] = value | {"unknown": 1}
            yield f"an unknown field in {pointer}", copied
    yield "an unknown field", document | {"unknown": 1}
    for pointer, value in IMPOSSIBLE:
        copied = copy.deepcopy(document)
        try:
            holder, key = find(copied, pointer)
        except (IndexError, KeyError, TypeError):
            continue
        if holder[key] != value:
            holder[key] = value
            yield f"{pointer} {value!r}", copied
    if document["wall"]["cases"]:
        copied = copy.deepcopy(document)
        copied["wall"]["why"] = "both cases and a reason"
        yield "wall cases and a reason for none", copied
    codes = {"pass": 0, "advisory": 0, "tool-failure": 1, "regression": 3, "wrong-result": 4, "incomparable": 5}
    codes["unclear"] = 6
    for verdict, code in codes.items():
        if code != document["exit"]:
            yield f"{verdict} with another exit code", document | {"verdict": verdict}
    other = {"pass": "advisory", "advisory": "pass"}.get(document["verdict"])
    if other:
        yield f"{other} instead of {document['verdict']}", document | {"verdict": other}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        schema = json.load(file)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)
    documents, others, bad = 0, 0, 0
    for line in sys.stdin:
        document = json.loads(line)
        documents += 1
        for error in validator.iter_errors(document):
            bad += 1
            print(f"schema.py: document {documents}: {error.json_path}: {error.message}", file=sys.stderr)
        for what, changed in broken(document):
            others += 1
            if validator.is_valid(changed):
                bad += 1
                print(f"schema.py: document {documents} is valid with {what}", file=sys.stderr)
    if not documents:
        sys.exit("schema.py: no document")
    if bad:
        sys.exit(1)
    print(f"schema.py: {documents} outcomes are valid, and {others} that are none are not")


main()
