"""Whether an endpoint is well: is it this question that fails, or everything?"""

import re
import time

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.faults import Rejected, Transient, stop

KEPT = "run again later: the answers so far are kept, and not paid for again"

_FIRST_CONNECTIONS = 4  # tries to reach an address that nobody was ever reached at
_FIRST_SECONDS = 5.0  # for which they go on: a name may not be found for a moment
_SEVERAL = 3  # questions that are refused in the same words until the endpoint may be to blame
_NUMBERS = re.compile(r"\d+|[0-9a-f]{8,}")  # of a request, which differ in the same refusal


class Health:
    """What the calls of a job have met so far."""

    def __init__(self, endpoint: Endpoint):
        self._endpoint = endpoint
        self._patience = endpoint.settings.patience
        self._answered_at = float("-inf")  # when the latest call that was answered had been sent
        self._failing_since: float | None = None
        self._unreached = 0
        self._refused: dict[str, tuple[float, set[str]]] = {}  # by the words: since when, and whom

    def answered(self, sent: float) -> None:
        """A call that was sent at a time (monotonic) was answered."""
        self._answered_at = max(self._answered_at, sent)
        self._failing_since = None
        self._refused = {
            words: (since, whom) for words, (since, whom) in self._refused.items() if since > sent
        }

    def answers_since(self, moment: float) -> bool:
        """Whether a call that was sent after a moment (monotonic) was answered: the endpoint is well."""
        return self._answered_at > moment

    def failed(self, fault: Transient, id: str, wait: float) -> None:
        """A call failed and is to be made again after a wait.

        Raises:
            UserError: there has been nothing but faults for as long as `patience`, or nobody was ever reached.
        """
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        self._unreached += fault.unreachable
        nobody = self._answered_at < 0 and self._unreached >= _FIRST_CONNECTIONS
        nobody &= now - self._failing_since >= _FIRST_SECONDS
        if fault.unreachable and nobody and not self._endpoint.server:
            raise stop(f"nobody answers at this address: {fault}", self._endpoint, KEPT) from None
        if fault.retry_after is not None and fault.retry_after > self._patience:
            raise stop(
                f"the endpoint asks to wait {fault.retry_after:.0f} s, more than `patience`: {fault}",
                self._endpoint,
                KEPT,
            ) from None
        if now + wait - self._failing_since > self._patience:
            raise stop(
                f"nothing but faults for {now - self._failing_since:.0f} s, the last one for {id}: {fault}",
                self._endpoint,
                KEPT,
            ) from None

    def refused(self, fault: Rejected, id: str) -> bool:
        """A question was refused in words that say nothing of it: whether several were so, one after the other."""
        words = _NUMBERS.sub("#", fault.message.lower())
        _, questions = self._refused.setdefault(words, (time.monotonic(), set()))
        questions.add(id)
        return len(questions) >= _SEVERAL
