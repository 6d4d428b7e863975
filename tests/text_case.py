"""How the tests of the text clean it: as the schema says, unless they say otherwise."""

from workspace import schema

STEPS = {
    step: entry["default"]
    for step, entry in schema()["$defs"]["novel"]["properties"]["normalise"]["properties"].items()
}
