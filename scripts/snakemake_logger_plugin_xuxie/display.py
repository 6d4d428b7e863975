"""A line for each finished step, and at the bottom what runs now and how far it is."""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from snakemake_interface_logger_plugins.common import LogEvent
from xuxie.runtime.clock import clock

from snakemake_logger_plugin_xuxie.job_log import last_line, printable, progress

#: Running jobs that are shown; the rest are counted.
SHOWN = 6
BAR = 24  # columns
#: What Snakemake says on its way and nobody needs to read.
ON_ITS_WAY = re.compile(
    r"Building DAG|Assuming unrestricted|Using shell|host:|Provided cores|Rules claiming|Provided resources"
    r"|Select jobs|Execute \d+ jobs|Job stats|Conda environments: ignored|Singularity containers: ignored|None$"
)


@dataclass
class Job:
    """A job that runs."""

    rule: str
    #: What its wildcards stand for.
    of: str
    log: str
    first_output: str
    began: float

    @property
    def name(self) -> Text:
        """The rule, and for what it runs."""
        return Text.assemble((self.rule, "bold"), f" {self.of}")

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self.began


class Display:
    """Turns the records of one run into what a person sees.

    Args:
        to_stdout: whether to write to standard output rather than to standard error.
    """

    def __init__(self, to_stdout: bool = False):
        self._jobs: dict[int, Job] = {}
        self._began = time.monotonic()
        self._done = self._total = 0
        self._console = Console(stderr=not to_stdout, highlight=False)
        self._live = Live(
            get_renderable=self._now,
            console=self._console,
            refresh_per_second=2,
            transient=True,
        )

    def show(self, record: logging.LogRecord, in_full: Callable[[logging.LogRecord], str]) -> None:
        """Show what a record says, if a person needs it.

        Args:
            in_full: Snakemake's own way to put a record into words.
        """
        event = getattr(record, "event", None)
        known = {
            LogEvent.RUN_INFO: self._begin,
            LogEvent.JOB_INFO: self._job_begins,
            LogEvent.JOB_FINISHED: self._job_ends,
            LogEvent.PROGRESS: self._count,
        }
        if event in known:
            known[event](record)
        elif record.levelno >= logging.WARNING:
            self._forget_failed(record)
            style = "red" if record.levelno >= logging.ERROR else "yellow"
            self._say(in_full(record), style)
        elif event is None and not ON_ITS_WAY.match(record.getMessage()):
            self._say(in_full(record))

    def close(self) -> None:
        """Take the bar away, and say how far it came."""
        self._live.stop()
        if self._total:
            self._say(
                f"{self._done} of {self._total} steps, {clock(time.monotonic() - self._began)}"
            )
            self._total = 0

    def _begin(self, record) -> None:
        self._total = record.stats["total"]
        self._live.start()

    def _job_begins(self, record) -> None:
        job = Job(
            rule=record.rule_name,
            of=printable(" ".join(map(str, (record.wildcards or {}).values()))),
            log=next(iter(record.log), ""),
            first_output=next(iter(record.output), ""),
            began=time.monotonic(),
        )
        self._jobs[record.jobid] = job
        self._step_aside()

    def _job_ends(self, record) -> None:
        job = self._jobs.pop(record.job_id, None)
        # Rules that only name a target have neither output nor log.
        if job and (job.log or job.first_output):
            line = Text.assemble(
                ("✓ ", "green"),
                job.name,
                (f" {clock(job.seconds)}  ", "dim"),
                last_line(job.log) or job.first_output,
            )
            self._console.print(line, no_wrap=True, overflow="ellipsis")
        self._step_aside()

    def _count(self, record) -> None:
        self._done, self._total = record.done, record.total

    def _forget_failed(self, record) -> None:
        failed: list[int] = [record.jobid] if hasattr(record, "jobid") else []
        failed += [info["jobid"] for info in getattr(record, "job_error_info", [])]
        for jobid in failed:
            if jobid is not None:
                self._jobs.pop(jobid, None)

    def _step_aside(self) -> None:
        """A job without outputs, such as `estimate`, tells what it finds on the terminal itself."""
        speaks = any(job.log and not job.first_output for job in self._jobs.values())
        if speaks:
            self._live.stop()
        elif self._total and not self._live.is_started:
            self._live.start()

    def _say(self, message: str, style: str = "") -> None:
        self._console.print(Text(printable(message), style=style), soft_wrap=True)

    def _now(self) -> Group:
        """What runs at the moment."""
        running = list(self._jobs.values())
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, justify="right", style="dim")
        table.add_column(width=BAR)
        table.add_column(no_wrap=True, overflow="ellipsis")
        for job in running[:SHOWN]:
            line = last_line(job.log)
            share = progress(line)
            bar = ProgressBar(completed=100 * share, width=BAR) if share is not None else ""
            table.add_row(job.name, clock(job.seconds), bar, line)
        more = f", {len(running)} run" if len(running) > SHOWN else ""
        of_all = Table.grid(padding=(0, 1))
        of_all.add_row(
            ProgressBar(total=max(self._total, 1), completed=self._done, width=BAR),
            f"{self._done} of {self._total} steps{more}, {clock(time.monotonic() - self._began)}",
        )
        return Group(table, of_all)
