"""Handing a job of Snakemake to a scheduler that wants a description of it rather than options.

Snakemake's executor `cluster-generic` calls a command with the path of a job script, and takes what it prints for the job's id. The
script's comment `# properties = {...}` says what the job needs.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from string import Template

from xuxie.errors import UserError

PROPERTIES = re.compile(r"^# properties = (\{.*\})$", re.MULTILINE)


def filled(template: Path, script: Path) -> str:
    """The template with what a job is and needs in its places, each a JSON value, which is YAML too.

    `$name` (of its rule or group, lower-case letters, digits and hyphens), `$script` and `$folder`
    (where it runs) are strings, and so are `$threads`, `$gpu`, `$mem_mb` and `$memory` (`2000M`),
    as schedulers take them; `$seconds` is a number.

    Raises:
        UserError: the template asks for something else, or the script says nothing of its job.
    """
    found = PROPERTIES.search(script.read_text(encoding="utf-8"))
    if not found:
        raise UserError(f"{script} is no job script of Snakemake: it has no line `# properties =`")
    job = json.loads(found[1])
    needs = job["resources"]
    values = {
        "name": re.sub(r"[^a-z0-9]+", "-", (job.get("rule") or job["groupid"]).lower()).strip("-"),
        "script": str(script.resolve()),
        "folder": str(Path.cwd()),
        "threads": str(job["threads"]),
        "mem_mb": str(needs.get("mem_mb", 1000)),
        "memory": f"{needs.get('mem_mb', 1000)}M",
        "gpu": str(needs.get("gpu", 0)),
        "seconds": 60 * int(needs.get("runtime", 60)),
    }
    try:
        return Template(template.read_text(encoding="utf-8")).substitute(
            {name: json.dumps(value) for name, value in values.items()}
        )
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{template} has a place that nothing is known for: {error}",
            remedy=f"a $ of its own is written $$; known are {', '.join(values)}",
        ) from None


def hand_over(description: str, command: list[str]) -> None:
    """Give a description to a command's standard input; what it prints is the job's id.

    Raises:
        UserError: the command is not there, or refuses.
    """
    try:
        done = subprocess.run(command, input=description, capture_output=True, text=True)
    except FileNotFoundError:
        raise UserError(
            f"there is no {command[0]} here to submit jobs with", remedy="install it, or set PATH"
        ) from None
    if done.returncode:
        raise UserError(
            f"{' '.join(command)} refused the job: {done.stderr.strip()}\n{description}"
        )
    sys.stdout.write(done.stdout)


def run(main) -> None:
    """Call a submitting script's function; what is wrong goes to standard error, in one message."""
    try:
        main(Path(sys.argv[1]))
    except UserError as error:
        sys.exit(str(error))
