"""Draw the default run's rules, as Snakemake itself knows them, into both READMEs: `python resources/rule_graph.py`."""

import re
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PLACE = re.compile(
    r"(<!-- rule graph, drawn by resources/rule_graph.py -->\n).*?(<!-- end of rule graph -->)",
    re.DOTALL,
)


def draw(repository: Path = REPOSITORY) -> str:
    """The graph as a Mermaid diagram, which code hosts render; an arrow that others stand for is left out."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--forceall"]
    drawn = subprocess.run(
        command, cwd=repository, check=True, capture_output=True, text=True
    ).stdout
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]$", drawn, re.MULTILINE))
    arrows = {
        (names[start], names[end])
        for start, end in re.findall(r"^\s*(id\d+) --> (id\d+)$", drawn, re.MULTILINE)
        if start != end  # one stage of training follows another
    }
    lines = sorted(
        f"    {start} --> {end}"
        for start, end in arrows
        if not _leads(start, end, arrows - {(start, end)})
    )
    return "\n".join(["```mermaid", "flowchart TB", *lines, "```", ""])


def _leads(start: str, end: str, arrows: set[tuple[str, str]]) -> bool:
    """Whether arrows lead from start to end, so that one that leads there at once would say nothing new."""
    return any(
        here == start and (there == end or _leads(there, end, arrows)) for here, there in arrows
    )


def put_into(text: str, drawn: str) -> str:
    """A README's text with the graph in its place."""
    return PLACE.sub(lambda found: found[1] + drawn + found[2], text)


if __name__ == "__main__":
    graph = draw()
    for name in ("README.md", "README.zh-CN.md"):
        readme = REPOSITORY / name
        readme.write_text(put_into(readme.read_text(encoding="utf-8"), graph), encoding="utf-8")
