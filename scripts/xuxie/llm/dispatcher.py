"""The parts of one `ask_all`, put together: whoever asks gets a place for the outcome, and it comes there."""

import asyncio
import logging
from collections import deque
from functools import partial

from xuxie.errors import UserError
from xuxie.llm.accounting import Accounting
from xuxie.llm.asked import Asked
from xuxie.llm.batch_calls import BatchCalls
from xuxie.llm.batch_record import on_record
from xuxie.llm.batches import FOLDER, Batches, Parked
from xuxie.llm.calls import Calls
from xuxie.llm.client import Client
from xuxie.llm.conversation import Conversation
from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import stop
from xuxie.llm.group_commit import GroupCommit
from xuxie.llm.health import KEPT, Health
from xuxie.llm.journal import Journal
from xuxie.llm.limits import Limits
from xuxie.llm.modes import Modes
from xuxie.llm.parameters import Parameters
from xuxie.llm.progress import Progress
from xuxie.llm.question import Failed
from xuxie.llm.readiness import Readiness
from xuxie.llm.retries import Retries
from xuxie.llm.run import Run
from xuxie.llm.sender import Sender

logger = logging.getLogger(__name__)

_RESUMED = 64  # questions that are taken up together when a batch has come back
_IN_SECONDS = 1.0  # after which the next ones are, where some of these wait for something else


class Dispatcher:
    """What the questions of one `ask_all` share. Made and used inside one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        journal: Journal,
        budget: dict | None,
        progress: Progress,
    ):
        shared = journal.folder / ".limits"
        client, commits = Client(endpoint), GroupCommit(journal)
        run = Run(endpoint, journal, progress, client, commits, Health(endpoint))
        batched = None if endpoint.offline else endpoint.settings.batches
        self._run, self._limits = run, Limits(endpoint, shared)
        self._accounting = Accounting(run, budget, shared)
        readiness, parameters = Readiness(run), Parameters(endpoint, journal)
        sender = Sender(run, readiness, self._accounting, self._limits, parameters)
        retries = Retries(run, sender, self._accounting, readiness, alone=batched is not None)
        self._batches: Batches | None = None
        by_batch: BatchCalls | None = None
        if batched is not None:
            keep = self._accounting.keep_of_batch
            self._batches = Batches(run, batched, keep, self._is_all_asked)
            by_batch = BatchCalls(run, self._accounting, parameters, retries, self._batches)
        others = {} if by_batch else on_record(journal.folder / FOLDER)
        calls = Calls(run, readiness, retries, by_batch, others)
        self._conversation = Conversation(run, calls, Modes(run, calls))
        self._is_last_asked = False
        self._courses: dict[asyncio.Task[None], Asked] = {}
        self._back: deque[Asked] = deque()  # what a batch has brought something new of
        self._more_is_back = asyncio.Event()
        self._lasting = [asyncio.create_task(self._tick()), asyncio.create_task(self._take_up())]
        if seconds := endpoint.settings.deadline:
            passed = f"the deadline of {seconds:g} s for this job has passed"
            error = stop(passed, endpoint, KEPT)
            asyncio.get_running_loop().call_later(seconds, self.stop, error)

    def ask(self, asked: Asked) -> None:
        """Ask a question. Its outcome is an error if no more calls are begun, and none is in the journal."""
        self._begin(asked)

    def expect_no_more(self) -> None:
        """All questions have been asked."""
        self._is_last_asked = True

    def _is_all_asked(self) -> bool:
        """Whether all questions have gone as far as they can for now."""
        return self._is_last_asked and not self._courses and not self._back

    def stop(self, error: UserError) -> None:
        """Begin no more calls. Those on the wire go on."""
        self._run.shutdown.begin(error)

    def interrupt(self, error: UserError) -> None:
        """Begin no more calls, and let nobody wait for those on the wire: what comes is journaled until `end` is over."""
        self.stop(error)
        for asked in self._courses.values():
            asked.end(error=error)
            asked.rest()

    async def end(self, grace: float) -> None:
        """Begin no more calls, wait for those on the wire, as they are paid for, and give everything back.

        Args:
            grace: seconds that the calls on the wire get.
        """
        self.stop(UserError("given up before the end"))
        for task in self._lasting:
            task.cancel()
        await self._run.shutdown.drain(grace)
        if self._batches:
            self._batches.say_what_goes_on()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        self._limits.close()
        self._accounting.close()
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self._batches:
            self._batches.close()
        await self._run.client.close()
        self._run.commits.close()
        self._run.progress.close()

    def _begin(self, asked: Asked) -> asyncio.Task[None]:
        course = asyncio.create_task(self._course(asked))
        self._courses[course] = asked  # the loop alone would forget it
        course.add_done_callback(self._courses.pop)
        return course

    async def _course(self, asked: Asked) -> None:
        """Bring a question to its outcome, or as far as a batch lets it come."""
        shutdown = self._run.shutdown
        try:
            outcome = await self._conversation.outcome(asked.question, asked.made)
        except Parked as parked:
            asked.made = parked.made
            assert self._batches
            self._batches.when_back(parked.key, partial(self._is_back, asked))
        except UserError as error:
            shutdown.begin(error)
            asked.end(error=shutdown.error)
        except asyncio.CancelledError as error:
            asked.end(error=shutdown.error or error)
        except Exception as error:
            asked.end(error=error)
        else:
            self._run.progress.count(isinstance(outcome, Failed), outcome.from_journal)
            asked.end(outcome)
        finally:
            asked.rest()

    def _is_back(self, asked: Asked) -> None:
        self._back.append(asked)
        self._more_is_back.set()

    async def _take_up(self) -> None:
        """Take up what batches bring back, some at a time: what they hold adds up."""
        while True:
            await self._more_is_back.wait()
            self._more_is_back.clear()
            while self._back:
                some = [self._back.popleft() for _ in range(min(_RESUMED, len(self._back)))]
                await asyncio.wait(map(self._begin, some), timeout=_IN_SECONDS)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._accounting.touch()
            if self._batches is None:
                self._run.progress.tick()  # a batch tells of itself
