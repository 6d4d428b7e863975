"""How a run looks to a person at a terminal: `snakemake --logger xuxie`, which the profiles ask for.

Snakemake finds a logger plugin by the name of its package. On anything that is no terminal, in a dry run, and with --verbose, --quiet,
--printshellcmds, --debug-dag or --nocolor this one takes no part, and Snakemake writes as it always does. Its log file under
.snakemake/log holds everything either way.
"""

import os
import sys
from importlib.util import find_spec
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import OutputSettingsLoggerInterface


def wanted(settings: OutputSettingsLoggerInterface) -> bool:
    """Whether a person watches this run, who did not ask for Snakemake's own words."""
    stream = sys.stdout if settings.stdout else sys.stderr
    return (
        stream.isatty()
        and os.environ.get("TERM", "dumb") != "dumb"
        and not (settings.dryrun or settings.verbose or settings.debug_dag)
        and not (settings.printshellcmds or settings.nocolor or settings.quiet)
        and find_spec("rich") is not None
    )


class LogHandler(LogHandlerBase):
    """Hands what Snakemake reports to the display, if somebody watches."""

    def __post_init__(self) -> None:
        self._display = None
        if wanted(self.common_settings):
            # Snakemake imports every plugin at every start, also for other workflows: what costs time waits until here.
            from xuxie.runtime.job import DISPLAYED

            from snakemake_logger_plugin_xuxie.display import Display

            self._display = Display(to_stdout=self.common_settings.stdout)
            # Jobs that run here then write to their log files alone.
            os.environ[DISPLAYED] = "1"

    def emit(self, record: LogRecord) -> None:
        """Show one record."""
        if self._display:
            try:
                self._display.show(record, self.format)
            except Exception:
                self.handleError(record)

    def close(self) -> None:
        """Leave the terminal as it was; Snakemake calls this more than once."""
        if self._display:
            self._display.close()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """Where it does not, Snakemake writes to the stream itself."""
        return self._display is not None

    @property
    def writes_to_file(self) -> bool:
        """The log file stays Snakemake's own."""
        return False

    @property
    def has_filter(self) -> bool:
        """Snakemake's own filter is right."""
        return False

    @property
    def has_formatter(self) -> bool:
        """Errors are told in Snakemake's own words."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """Nothing of it is shown."""
        return False
