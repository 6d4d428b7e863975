"""A user's folder: a config, a novel, and the workflow run in it as a user would."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass
class Workspace:
    """A folder in which the workflow runs, apart from the repository."""

    folder: Path

    def configure(self, config: dict) -> None:
        """Write the configuration that stands in place of the workflow's own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.yaml").write_text(
            yaml.safe_dump(config, allow_unicode=True), encoding="utf-8"
        )

    def snakemake(
        self, *arguments: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess:
        """Run snakemake in this folder; output is text of stdout and stderr together."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--snakefile",
            str(REPOSITORY / "Snakefile"),
            "--directory",
            str(self.folder),
        ]
        command += ["--workflow-profile", str(REPOSITORY / "profiles/default"), "--cores", "2"]
        command += [
            "--configfile",
            str(self.folder / "config.yaml"),
            "--replace-workflow-config",
            *arguments,
        ]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
            cwd=self.folder,
        )
        if check and done.returncode:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{done.stdout}")
        return done

    def __truediv__(self, path: str) -> Path:
        return self.folder / path


def jobs(output: str) -> dict[str, int]:
    """The job counts of a dry run."""
    table = output[output.index("Job stats:") :]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}
