"""The table of recipes, from what their runs left: python benchmarks/recipes/table.py [results] [adapter …]

Writes results.json beside this file, and prints the table in Markdown.
"""

import json
import sys
from pathlib import Path

KEPT = Path(__file__).with_name("results.json")
HEAD = (
    "recipe",
    "model",
    "trained tokens",
    "steps",
    "tuned against base, same context",
    "context gain: tuned (base)",
    "bits asked with its template: tuned (base)",
)


def main(results: str = "results", *names: str) -> None:
    """Collect the named adapters, or all that are evaluated."""
    found = sorted(Path(results, "adapters").glob("*/evaluation.json"))
    by_name = {file.parent.name: file.parent for file in found}
    rows = {name: figures(by_name[name]) for name in names or by_name}
    KEPT.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name, row in rows.items():
        print(f"| {' | '.join([f'`{name}`', *cells(row)])} |")


def figures(folder: Path) -> dict:
    """What is shown of an adapter, as evaluation.json and manifest.json have it."""
    evaluation, manifest = (
        json.loads((folder / file).read_text(encoding="utf-8"))
        for file in ("evaluation.json", "manifest.json")
    )
    bits = evaluation["bits_per_character"]
    tuned = evaluation["texts"]["systems"]["tuned"]
    return {
        "model": manifest["base_model"]["name"],
        "tokens": sum(stage["result"]["useful_tokens"] for stage in manifest["stages"]),
        "steps": sum(stage["result"]["steps"] for stage in manifest["stages"]),
        "seconds": manifest["seconds"],
        "verdict": evaluation["verdict"],
        **{
            key: bits[key] for key in ("rows", "characters", "base", "tuned", "relative", "formats")
        },
        "context_gain": bits["context_gain"],
        "samples": {key: tuned[key] for key in ("natural_stop", "foreign_stop", "seq_rep_4")},
    }


def cells(row: dict) -> list[str]:
    """One line of the table."""
    relative, gain = row["relative"], row["context_gain"]
    asked = {side: formats["template"] for side, formats in row["formats"].items()}
    return [
        row["model"],
        f"{row['tokens']:,}",
        str(row["steps"]),
        f"{relative['value']:+.1%} ({relative['low']:+.1%} to {relative['high']:+.1%})",
        f"{gain['tuned']['value']:.2f} ({gain['base']['value']:.2f})",
        f"{asked['tuned']:.2f} ({asked['base']:.2f})",
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])
