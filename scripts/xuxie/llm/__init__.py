"""Asking language models: paid once, never lost, as fast as the endpoint allows.

Where a question goes, from the outside in:

    completions      `ask_all`, in the caller's thread: questions in, outcomes out, signals, too many failures
    dispatcher       the parts of a run, put together in an event loop (`run`, `shutdown`)
    conversation     a question's attempts, until an answer can be used (`request`, `structured`, `modes`)
    calls            from a request to the journal's entry: what is there is not asked for (`readiness`)
    retries          when to try again, and when a question is to blame (`faults`, `health`, `control`)
    sender           one try, within `limits` and budget, under the endpoint's names of fields (`parameters`)
    client           the wire: a request goes out, a `reply` or a fault comes back

By batch, `batch_calls` is in the place of `retries`: `batches` gathers what is asked (`batch_spool`), `batch_course` follows
it to its end (`batch_record`, `batch_api`), `batch_results` brings the answers into the journal.

What it costs: `accounting`, `budget`, `tariff`, `usage`. What is kept: `journal`, `segments`, `journal_index`, `index_files`, `upkeep`. Who is
asked: `endpoint`; servers of our own: `server`, `serving`, `embedded`, `pace`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xuxie.llm.completions import ask_all
    from xuxie.llm.endpoint import Endpoint, open_endpoint
    from xuxie.llm.question import Answered, Completion, Failed, Question
    from xuxie.llm.role import open_role
    from xuxie.llm.usage import Usage

__all__ = [
    "Answered",
    "Completion",
    "Endpoint",
    "Failed",
    "Question",
    "Usage",
    "ask_all",
    "open_endpoint",
    "open_role",
]

_HOMES = {
    "completions": ("ask_all",),
    "endpoint": ("Endpoint", "open_endpoint"),
    "question": ("Answered", "Completion", "Failed", "Question"),
    "role": ("open_role",),
    "usage": ("Usage",),
}


def __getattr__(name: str):
    """A name of this package, from the module that it stands in.

    That module is imported now: who only counts what was spent, or looks after a journal, does not wait for a client.
    """
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
