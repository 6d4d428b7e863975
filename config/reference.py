"""Write the key reference of config/README.md from config/schema.yaml. Run by `make docs`; a test checks that it is current."""

import json
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import yaml

HERE = Path(__file__).parent
START, END = "<!-- reference: made by `make docs` -->\n", "<!-- end of reference -->\n"


def keys(schema: dict, node: dict, path: str = "") -> Iterator[tuple[str, dict]]:
    """Every key with its part of the schema, depth first, in the schema's order; `{name}` stands for a name of the user's."""
    node = {**resolve(schema, node), **node}
    for key, child in node.get("properties", {}).items():
        yield from _entry(schema, child, f"{path}.{key}" if path else key)
    if isinstance(node.get("additionalProperties"), dict):
        yield from _entry(schema, node["additionalProperties"], f"{path}.{{name}}")
    if (
        isinstance(node.get("items"), dict)
        and "$ref" in node["items"]
        and "properties" in resolve(schema, node["items"])
    ):
        yield from keys(schema, node["items"], f"{path}[]")
    for rule in node.get("allOf", []):
        yield from keys(schema, rule["then"], path)


def resolve(schema: dict, node: dict) -> dict:
    """What a `$ref` to a definition stands for."""
    return schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else {}


def _entry(schema: dict, child: dict, path: str) -> Iterator[tuple[str, dict]]:
    whole = {**resolve(schema, child), **child}
    if "description" in whole:
        yield path, whole
    yield from keys(schema, child, path)


def allowed(node: dict) -> str:
    """The values that a key takes, in words."""
    if "enum" in node:
        return ", ".join("null" if value is None else f"`{value}`" for value in node["enum"])
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    kinds = node.get("type", "")
    text = " or ".join(kinds) if isinstance(kinds, list) else kinds
    bounds = [
        ("minimum", "≥"),
        ("exclusiveMinimum", ">"),
        ("maximum", "≤"),
        ("exclusiveMaximum", "<"),
    ]
    return " ".join([text, *(f"{sign} {node[key]}" for key, sign in bounds if key in node)])


def shown_default(node: dict) -> str:
    """The default as JSON; empty if there is none."""
    return f"`{json.dumps(node['default'], ensure_ascii=False)}`" if "default" in node else ""


def row(path: str, node: dict) -> str:
    """A key's line of the table."""
    meaning = " ".join(node["description"].split())
    cells = (f"`{path}`", allowed(node), shown_default(node), meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(schema: dict) -> str:
    """The reference in Markdown, one section a top-level key, with a table of the keys below it."""
    lines = []
    for top, entries in groupby(keys(schema, schema), lambda entry: entry[0].split(".")[0]):
        (_, node), *below = entries
        lines += ["", f"### `{top}`", "", node["description"], ""]
        if below:
            lines += ["| key | values | default | meaning |", "|---|---|---|---|"]
            lines += [row(path, child) for path, child in below]
        elif "default" in node:
            lines.append(f"{allowed(node).capitalize()}; by default {shown_default(node)}.")
    return "\n".join(lines).strip() + "\n"


def document(text: str, schema: dict) -> str:
    """The README with its reference part made anew."""
    before, rest = text.split(START)
    return before + START + "\n" + table(schema) + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    readme = HERE / "README.md"
    schema = yaml.safe_load((HERE / "schema.yaml").read_text(encoding="utf-8"))
    readme.write_text(document(readme.read_text(encoding="utf-8"), schema), encoding="utf-8")
