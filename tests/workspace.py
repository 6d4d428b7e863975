"""A user's folder: a config, a novel, and the workflow run in it as a user would."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml
from patience import wait_for_exit, written_in
from planning import plan_in

REPOSITORY = Path(__file__).resolve().parent.parent


@cache
def schema() -> dict:
    """The schema of the configuration."""
    return yaml.safe_load((REPOSITORY / "config/schema.yaml").read_text(encoding="utf-8"))


@dataclass
class Workspace:
    """A folder in which the workflow runs, apart from the repository."""

    folder: Path
    #: Where the workflow itself lies.
    checkout: Path = REPOSITORY
    #: What Python runs: Snakemake, or a script that starts it.
    program: tuple[str, ...] = ("-m", "snakemake")

    @classmethod
    def make(cls, folder: Path, config: dict, novel: str, **more) -> "Workspace":
        """A folder with a configuration and the novel `small.txt`."""
        workspace = cls(folder, **more)
        workspace.configure(config)
        (folder / "small.txt").write_text(novel, encoding="utf-8")
        return workspace

    def copy(self, folder: Path) -> "Workspace":
        """The same again in a new folder, which must lie beside this one: the paths to the workflow's
        own files are relative, and with others everything would be made again.
        """
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        return replace(self, folder=folder)

    def configure(self, config: dict) -> None:
        """Write the configuration that stands in place of the workflow's own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config.yaml").write_text(
            yaml.safe_dump(config, allow_unicode=True), encoding="utf-8"
        )

    def command(self, *arguments: str, profile: str = "default") -> list[str]:
        """The command line that runs the workflow in this folder."""
        return [
            *(sys.executable, *self.program),
            *("--snakefile", str(self.checkout / "Snakefile")),
            *("--directory", str(self.folder)),
            *("--workflow-profile", str(self.checkout / "profiles" / profile), "--cores", "2"),
            *("--configfile", str(self.folder / "config.yaml"), "--replace-workflow-config"),
            *arguments,
        ]

    def begin(
        self, *arguments: str, profile: str = "default", log=None, **more
    ) -> subprocess.Popen:
        """Start a run, and do not wait for it; what it says goes to `log`, or to `run.log` here."""
        with open(log or self.folder / "run.log", "wb") as file:
            return subprocess.Popen(
                self.command(*arguments, profile=profile),
                stdout=file,
                stderr=file,
                cwd=self.folder,
                **more,
            )

    def snakemake(
        self, *arguments: str, check: bool = True, profile: str = "default", **environment: str
    ) -> subprocess.CompletedProcess:
        """Run snakemake in this folder; output is text of stdout and stderr together.

        It may take as long as it likes, while it writes anything at all.
        """
        with tempfile.TemporaryDirectory() as said:
            log = Path(said) / "output"
            run = self.begin(
                *arguments, profile=profile, log=log, env={**os.environ, **environment}
            )
            try:
                code = wait_for_exit(run, written_in(self.folder, Path(said)))
            finally:
                output = log.read_text(encoding="utf-8", errors="replace")
                if run.poll() is None:  # interrupted: nothing is left behind
                    run.terminate()
                    run.wait()
        if check and code:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{output}")
        return subprocess.CompletedProcess(run.args, code, output)

    def plan(
        self, *arguments: str, check: bool = True, profile: str = "default", **environment: str
    ) -> subprocess.CompletedProcess:
        """What a dry run in this folder says."""
        options = self.command(*arguments, profile=profile)[1 + len(self.program) :]
        return plan_in(self.folder, *options, check=check, **environment)

    def __truediv__(self, path: str) -> Path:
        return self.folder / path


def copy_checkout(folder: Path) -> Workspace:
    """Copy the tracked files, as they are now, into a folder."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        if (REPOSITORY / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    return Workspace(folder)


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """Run snakemake on the workflow that lies in a folder, with that folder's own configuration."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def jobs(output: str) -> dict[str, int]:
    """The job counts of a dry run."""
    table = output[output.index("Job stats:") :]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def scripts_running_in(folder: Path) -> list[int]:
    """The processes that run a rule's script in this folder."""
    mark, found = f"{folder}/.snakemake/scripts/".encode(), []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                if any(mark in word for word in words[1:3]) and b"python" in words[0]:
                    found.append(int(process.name))
    return found
