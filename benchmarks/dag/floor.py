"""An empty rule graph of the same size: the workflow's own rules with nothing left of them but inputs and outputs.

What `snakemake -n` takes on it is what Snakemake itself needs for so many jobs and files; the rest of what the workflow
takes is the workflow's: its config, and each job's parameters, resources, logs and environments.
"""

import json
import re
from pathlib import Path

#: Inputs, outputs and what tells their wildcards apart.
KEPT = ("default_target", "input", "output", "wildcard_constraints")


def write_floor(repository: Path, folder: Path, complete: dict, more: tuple[str, ...] = ()) -> Path:
    """Write the empty graph's Snakefile, with its own copies of the rules.

    Args:
        repository: the workflow.
        folder: where the Snakefile goes.
        complete: the configuration with all defaults filled in, so that the floor needn't.
        more: what else of each rule is kept, such as "script", to see what that alone costs.

    Returns:
        the Snakefile
    """
    (folder / "complete.json").write_text(json.dumps(complete))
    snakefile = (repository / "Snakefile").read_text()
    common = (repository / "rules/common.smk").read_text()
    unchecked = re.sub(
        r"^    complete_config\(.*\)$", "    pass", common, count=1, flags=re.MULTILINE
    )
    parts = [
        f"import json\n\nconfig = json.load(open({str(folder / 'complete.json')!r}))",
        re.sub(
            r"^HOME = .*$", f"HOME = {str(repository)!r}", unchecked, count=1, flags=re.MULTILINE
        ),
        (repository / "rules/sizing.smk").read_text(),
        *(
            emptied((repository / "rules" / name).read_text(), KEPT + more)
            for name in re.findall(r'"rules/(\w+\.smk)"', snakefile)
            if name not in ("common.smk", "sizing.smk")
        ),
        emptied(snakefile[snakefile.index("\nrule all:") :], KEPT),
    ]
    floor = folder / ("-".join(["floor", *more]) + ".smk")
    # The rules' own paths are relative to their folder.
    floor.write_text(re.sub(r'"\.\./(?=scripts/|envs/)', f'"{repository}/', "\n\n".join(parts)))
    return floor


def emptied(rules: str, sections: tuple[str, ...]) -> str:
    """Rules without all but these sections."""
    kept, keep = [], False
    for line in rules.splitlines():
        if section := re.match(r"    (\w+):", line):
            keep = section[1] in sections
        if line.startswith(("rule ", "from ")) or (keep and line.startswith("    ")):
            kept.append(line)
    return "\n".join(kept)
