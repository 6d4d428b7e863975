"""What the parts of one `ask_all` share."""

from dataclasses import dataclass, field

from xuxie.llm.client import Client
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.group_commit import GroupCommit
from xuxie.llm.health import Health
from xuxie.llm.journal import Journal
from xuxie.llm.progress import Progress
from xuxie.llm.shutdown import Shutdown


@dataclass(frozen=True)
class Run:
    """Who is asked, where the answers go, and how it stands. Made and used inside one event loop.

    Attributes:
        commits: how the parts write to the journal.
        health: whether the endpoint is well.
        shutdown: whether calls may still be begun.
    """

    endpoint: Endpoint
    journal: Journal
    progress: Progress
    client: Client
    commits: GroupCommit
    health: Health
    shutdown: Shutdown = field(default_factory=Shutdown)
