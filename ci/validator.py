"""A schema, which must allow what it is of, and refuse what is none."""

import copy
import json
import pathlib
import sys

import jsonschema
import referencing


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
    """Returns what holds the value at `pointer`, and the value's name or number there; raises where there is none."""
    *path, last = pointer.split("/")[1:]
    for name in path:
        document = document[int(name) if isinstance(document, list) else name]
    key = int(last) if isinstance(document, list) else last
    document[key]
    return document, key


def copied(document, pointer):
    """Returns a copy of `document`, and what `find` finds in it."""
    document = copy.deepcopy(document)
    return document, *find(document, pointer)


class Validator:
    """Documents by the schema in a file, which may refer to those beside it."""

    def __init__(self, program, path):
        """`program` is the name that messages begin with."""
        self.program, self.path = program, pathlib.Path(path)
        schemas = self.path.parent.glob("*.schema.json")
        beside = ((file.name, referencing.Resource.from_contents(json.loads(file.read_text("utf-8")))) for file in schemas)
        schema = json.loads(self.path.read_text("utf-8"))
        kind = jsonschema.validators.validator_for(schema)
        kind.check_schema(schema)
        self.validator = kind(schema, registry=referencing.Registry().with_resources(beside))
        self.documents, self.others, self.bad = 0, 0, 0

    def say(self, text):
        self.bad += 1
        print(f"{self.program}: {text}", file=sys.stderr)

    def check(self, name, document, broken):
        """Requires that `document` is valid, and that what `broken` yields, and says what was done to, is not."""
        self.documents += 1
        for error in self.validator.iter_errors(document):
            self.say(f"{name}: {error.json_path}: {error.message}")
        for what, changed in broken:
            self.others += 1
            if self.validator.is_valid(changed):
                self.say(f"{name} is valid with {what}")

    def end(self):
        """Ends the program, with what was found."""
        if not self.documents:
            self.say("no document")
        if self.bad:
            sys.exit(1)
        refused = f", and {self.others} that are none are not" if self.others else ""
        print(f"{self.program}: {self.documents} documents are valid by {self.path}{refused}")
