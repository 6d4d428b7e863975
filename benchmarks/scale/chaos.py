"""A run that is killed again and again, beside one that isn't: is anything lost, paid for twice, or different at the end?

    python benchmarks/scale/chaos.py FOLDER --novels 100 --kills 200 [--slurm] [--full-disk 60] [--adapters 1] [--out FILE]

Jobs are killed outright (SIGKILL) at random moments, every tenth time it is snakemake itself, which is started again then.
With --full-disk the folder is a small disk of its own, which is filled up for so many seconds in the middle. With --slurm all
goes through a Slurm of one node, whose controller is killed once. Whatever ends is started again until all is made.

What the endpoint answered and what the journal holds are matched call by call. A question that was answered after its answer
was in the journal has been paid for twice. An answer that was on its way when its job was killed is nobody's: it is counted
apart, and asked for again.
"""

import argparse
import contextlib
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from library import KEY, endpoint, furnish

from cluster.slurm_cluster import SlurmCluster  # isort: skip  (library.py puts tests/ on the path)
from fault_server import FaultServer  # isort: skip
from workspace import REPOSITORY, Workspace, scripts_running_in  # isort: skip
from xuxie.llm.segments import decode, lines, segments  # isort: skip

#: What must be the same, byte for byte. What holds times of its own, such as manifests and pages, is not looked at.
RESULTS = (
    *("novels/*/text.txt", "novels/*/text.json", "novels/*/source_map.jsonl"),
    *("novels/*/chapters.jsonl", "novels/*/chapters.json", "novels/*/chunks.jsonl"),
    *("novels/*/shards/*/*.jsonl", "novels/*/pairs.jsonl", "novels/*/failures.jsonl"),
    *("datasets/*/*.jsonl", "datasets/*/dataset_info.json", "datasets/*/ledger.json"),
    "adapters/*/adapter_model.safetensors",
)


@dataclass
class Outcome:
    """What came out.

    Attributes:
        kills: jobs that were killed.
        snakemakes: runs that were killed; starts: how often one was begun.
        controllers: how often Slurm's controller was killed.
        full_disk: seconds for which the disk was full.
        questions: different ones that were answered.
        answers: that were sent.
        on_the_wire: answers that nobody could write down any more.
        paid_twice: questions that were answered again although the journal held an answer.
        lost: questions without an answer in the journal at the end.
        different: files that are not as in the undisturbed run.
        compared: files that were.
    """

    kills: int = 0
    snakemakes: int = 0
    starts: int = 0
    controllers: int = 0
    full_disk: float = 0.0
    seconds: float = 0.0
    questions: int = 0
    answers: int = 0
    on_the_wire: int = 0
    paid_twice: int = 0
    lost: int = 0
    compared: int = 0
    different: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.paid_twice or self.lost or self.different)


def account(server: FaultServer, journal: Path, outcome: Outcome) -> None:
    """Match what was answered with what the journal holds."""
    entries = (decode(line) for path in segments(journal) for _, line in lines(path))
    held = {(entry.get("reply") or {}).get("call") for entry in entries}
    by_question = defaultdict(list)
    for number, question in enumerate(server.questions):
        by_question[question].append(f"call-{number}" in held)
    outcome.questions, outcome.answers = len(by_question), len(server.questions)
    for journaled in by_question.values():
        if True not in journaled:
            outcome.lost += 1
            continue
        outcome.paid_twice += len(journaled) - 1 - journaled.index(True)
        outcome.on_the_wire += journaled.index(True)


def hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of every result that must be the same."""
    results = folder / "results"
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for pattern in RESULTS
        for path in sorted(results.glob(pattern))
    }


@dataclass
class Plan:
    """What is to happen to a run: so many kills, a gap between them (mean, seconds), a full disk, a killed controller."""

    kills: int
    gap: float
    full_disk: float = 0.0
    seed: int = 0


class Disturbed:
    """A run that is begun again until it has made everything, and a thread that disturbs it meanwhile."""

    def __init__(
        self, workspace: Workspace, plan: Plan, arguments: list[str], cluster: SlurmCluster | None
    ):
        self.workspace, self.plan, self.arguments, self.cluster = (
            workspace,
            plan,
            arguments,
            cluster,
        )
        self.outcome = Outcome()
        self._random = random.Random(plan.seed)
        self._run: subprocess.Popen | None = None
        self._done = threading.Event()

    def until_made(self, most: int = 100) -> Outcome:
        """Start it until it ends well.

        Raises:
            RuntimeError: it has been begun `most` times and never ended well.
        """
        began = time.monotonic()
        trouble = threading.Thread(target=self._disturb, daemon=True)
        profile = "slurm" if self.cluster else "default"
        while self.outcome.starts < most:
            self.outcome.starts += 1
            self.workspace.snakemake("--unlock", check=False)
            log = self.workspace.folder.parent / f"run-{self.outcome.starts}.log"
            self._run = self.workspace.begin(*self.arguments, profile=profile, log=log)
            if self.outcome.starts == 1:
                trouble.start()
            if self._run.wait() == 0:
                break
        else:
            raise RuntimeError(f"not made after {most} starts: see {log}")
        self._done.set()
        trouble.join()
        self.outcome.seconds = round(time.monotonic() - began, 1)
        return self.outcome

    def _disturb(self) -> None:
        others = [(self.plan.kills // 3, self._kill_controller)] if self.cluster else []
        others += [(self.plan.kills // 2, self._fill_disk)] if self.plan.full_disk else []
        while self.outcome.kills < self.plan.kills:
            if self._done.wait(self._random.expovariate(1 / self.plan.gap)):
                return
            if self.outcome.snakemakes < (self.outcome.kills + 1) // 10:
                self._run.kill()
                self.outcome.snakemakes += 1
            found = scripts_running_in(self.workspace.folder)
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._random.choice(found), signal.SIGKILL)
                    self.outcome.kills += 1
            if self.outcome.controllers:
                self.cluster.put_right()
            while others and self.outcome.kills > others[0][0]:
                others.pop(0)[1]()

    def _kill_controller(self) -> None:
        self.cluster.restart("slurmctld")
        self.outcome.controllers += 1

    def _fill_disk(self) -> None:
        began, filler = time.monotonic(), self.workspace.folder.parent / "filler"
        with filler.open("wb") as file, contextlib.suppress(OSError):
            while time.monotonic() - began < self.plan.full_disk:
                try:
                    file.write(bytes(1 << 16))
                    file.flush()
                except OSError:  # it is full; a little is let go now and then by others
                    time.sleep(0.05)
        filler.unlink()
        self.outcome.full_disk = round(time.monotonic() - began, 1)


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int):
    """A disk of its own under this folder, which needs root."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def compare(quiet: Path, disturbed: Path, outcome: Outcome) -> None:
    """Hold the results of two runs against each other, byte for byte."""
    wanted, found = hashes(quiet), hashes(disturbed)
    outcome.compared = len(wanted)
    outcome.different = sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )


def chaos(
    folder: Path,
    plan: Plan,
    *,
    novels: int,
    adapters: int = 0,
    latency: float = 0.2,
    cluster: SlurmCluster | None = None,
    megabytes: int = 600,
) -> Outcome:
    """Run a library undisturbed, then again disturbed, and compare."""
    os.environ["LOOPBACK_API_KEY"] = KEY
    quiet_folder, folder = folder / "quiet/work", folder / "disturbed"
    with endpoint() as server:
        quiet, library = furnish(
            quiet_folder, server.base_url, novels=novels, adapters=max(1, adapters)
        )
        targets = [f"results/datasets/{name}/ledger_check.json" for name in library.shelves]
        targets += [
            f"results/adapters/{name}/adapter_model.safetensors"
            for name in list(library.shelves)[:adapters]
        ]
        quiet.snakemake(*targets)
    disk = small_disk(folder, megabytes) if plan.full_disk else contextlib.nullcontext()
    with disk, endpoint(latency) as server:
        workspace, _ = furnish(
            folder / "work", server.base_url, novels=novels, adapters=max(1, adapters)
        )
        arguments = [*targets, "--keep-going", "--retries", "5"]
        if cluster:
            workspace.program = (str(REPOSITORY / "tests/cluster/attentive_snakemake.py"),)
            arguments += ["--slurm-init-seconds-before-status-checks", "2"]
        outcome = Disturbed(workspace, plan, arguments, cluster).until_made()
        account(server, workspace / "journal", outcome)
        compare(quiet.folder, workspace.folder, outcome)
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--novels", type=int, default=100)
    parser.add_argument("--adapters", type=int, default=0)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--gap", type=float, default=2.0, help="seconds between two, on average")
    parser.add_argument("--full-disk", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--slurm", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    plan = Plan(options.kills, options.gap, options.full_disk, options.seed)
    cluster = SlurmCluster(options.folder / "slurm") if options.slurm else None
    with cluster or contextlib.nullcontext():
        if cluster:
            os.environ.update(cluster.environment)
        outcome = chaos(
            options.folder.resolve(),
            plan,
            novels=options.novels,
            adapters=options.adapters,
            cluster=cluster,
        )
    said = json.dumps(asdict(outcome), indent=1)
    print(said)
    if options.out:
        options.out.write_text(said + "\n", encoding="utf-8")
    sys.exit(not outcome.good)


if __name__ == "__main__":
    main()
