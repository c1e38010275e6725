"""Validates documents, one a line of the standard input, against the schema in the file of the first argument.

The schema must refuse what is no outcome, too: each document without one of its fields, with one that nobody knows, or
with a value that cannot be.
"""

import json
import sys

from validator import Validator, copied, fields

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


def broken(document):
    """Yields what was done to a copy of `document`, and the copy, which is no outcome."""
    for pointer in fields(document):
        changed, holder, key = copied(document, pointer)
        value = holder.pop(key)
        yield f"no {pointer}", changed
        if isinstance(value, dict):
            holder[key] = value | {"unknown": 1}
            yield f"an unknown field in {pointer}", changed
    yield "an unknown field", document | {"unknown": 1}
    for pointer, value in IMPOSSIBLE:
        try:
            changed, holder, key = copied(document, pointer)
        except (IndexError, KeyError, TypeError):
            continue
        if holder[key] != value:
            holder[key] = value
            yield f"{pointer} {value!r}", changed
    if document["wall"]["cases"]:
        changed, holder, key = copied(document, "/wall/cases")
        holder["why"] = "both cases and a reason"
        yield "wall cases and a reason for none", changed
    codes = {"pass": 0, "advisory": 0, "tool-failure": 1, "regression": 3, "wrong-result": 4, "incomparable": 5}
    codes["unclear"] = 6
    for verdict, code in codes.items():
        if code != document["exit"]:
            yield f"{verdict} with another exit code", document | {"verdict": verdict}
    other = {"pass": "advisory", "advisory": "pass"}.get(document["verdict"])
    if other:
        yield f"{other} instead of {document['verdict']}", document | {"verdict": other}


def main():
    validator = Validator("schema.py", sys.argv[1])
    for number, line in enumerate(sys.stdin, 1):
        document = json.loads(line)
        validator.check(f"document {number}", document, broken(document))
    validator.end()


main()
