"""A provider's batches: a file of requests goes up, within a day a file of answers comes down, for about half the price.

The protocol is OpenAI's, as others speak it too. Looked up on 2026-11-25: a file holds 50,000 requests at most and
200 MB at OpenAI, 500 MB at DashScope, 100 MB at Zhipu and Moonshot; the window is 24h at OpenAI, 24h to 336h at
DashScope, 12h to 7d at Moonshot. Zhipu's path begins with /v4. The state is in capitals at some; a file that is not
there may have "" as its id; a request that a provider lost may have an error line with status 0, or no line at all.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import httpx2
import openai

from xuxie.errors import UserError
from xuxie.llm.client import Client
from xuxie.llm.faults import Rejected, Transient, fault_of, message_of, stop
from xuxie.llm.reply import UNREADABLE, Reply
from xuxie.llm.structured import whole_text
from xuxie.llm.usage import token_count

MOST_BYTES = 100_000_000  # of a file: what every provider above takes

_ENDED = {"completed", "failed", "expired", "cancelled", "canceled"}
_UNDONE = {
    "batch_expired",
    "batch_cancelled",
    "request_timeout",
}  # codes of requests never carried out
_VERSION = re.compile(r"/(v\d+)/?\Z")
_PAGE, _PAGES = 100, 50  # of a list of batches, and how many of them are looked through
_SHOWN = 500  # characters of what a provider says


class Missing(Exception):
    """The endpoint knows nothing at that address: no batches at all, or not this one."""


class _Unreadable(Transient):
    """An answer that says nothing, such as a web page."""


@dataclass(frozen=True)
class Batch:
    """A batch, as its provider describes it.

    Attributes:
        id: the provider's.
        state: `validating`, `in_progress`, `finalizing`, `completed`, `failed`, `expired`, `cancelled`, ...
        done, total: requests.
        files: the ids of those that are there: of answers, and then of errors.
        said: what went wrong with it as a whole.
    """

    id: str
    state: str
    done: int
    total: int
    files: tuple[str, ...]
    said: str

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in _ENDED

    @property
    def is_refused_for_now(self) -> bool:
        """Whether it was turned away because too much is queued already."""
        return self.state == "failed" and "token_limit_exceeded" in self.said

    @property
    def lacks_its_files(self) -> bool:
        """Whether it says that requests were carried out, and not yet where their answers are."""
        return self.state == "completed" and self.done > 0 and not self.files


class BatchApi:
    """What a provider can be asked about batches. Each method asks once, and raises what `Client.send` does, or Missing."""

    def __init__(self, client: Client):
        self._client, self._endpoint = client, client.endpoint
        version = _VERSION.search(client.endpoint.base_url)
        self._url = f"/{version[1] if version else 'v1'}/chat/completions"

    async def refuse_missing(self) -> None:
        """Refuse an endpoint that has no batches.

        Raises:
            UserError: it has none.
        """
        try:
            await self._list(limit=1)
        except (Missing, Rejected, _Unreadable) as fault:
            raise stop(
                f"the endpoint has no batches of OpenAI's protocol: {fault}",
                self._endpoint,
                "set `batch: false` of this endpoint; nothing was asked or paid for",
            ) from None

    def line(self, key: str, body: dict) -> bytes:
        """The line of a file that asks for one chat completion."""
        asked = {
            "custom_id": key,
            "method": "POST",
            "url": self._url,
            "body": self._client.sendable(body),
        }
        return json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"

    async def upload(self, lines: IO[bytes]) -> str:
        """Send a file of requests up: its id. Nothing is carried out or paid for yet."""
        lines.seek(0)
        with self._faults():
            sent = await self._client.api.files.with_raw_response.create(
                file=("questions.jsonl", lines, "application/jsonl"), purpose="batch"
            )
        return self._id(_document(sent.content).get("id"), "a file")

    async def create(self, file: str, window: str) -> Batch:
        """Have the requests of a file carried out, within a window such as `24h`."""
        asked = {"input_file_id": file, "endpoint": self._url, "completion_window": window}
        with self._faults():
            sent = await self._client.api.post("/batches", body=asked, cast_to=httpx2.Response)
        return self._batch(_document(sent.content))

    async def look(self, id: str) -> Batch:
        """How far a batch is."""
        with self._faults():
            sent = await self._client.api.get(f"/batches/{id}", cast_to=httpx2.Response)
        return self._batch(_document(sent.content))

    async def made_of(self, file: str) -> Batch | None:
        """The batch that was made of a file and not turned away, if there is one."""
        async for document in self._listed():
            if document.get("input_file_id") == file:
                batch = self._batch(document)
                if batch.state != "failed" or batch.files:
                    return batch
        return None

    async def under_way(self) -> bool:
        """Whether any batch of this account has not ended."""
        async for document in self._listed():
            if not self._batch(document).ended:
                return True
        return False

    async def lines(self, file: str) -> AsyncIterator[bytes]:
        """The lines of a file, as they come down."""
        rest = b""
        with self._faults():
            async with self._client.api.files.with_streaming_response.content(file) as response:
                async for piece in response.iter_bytes():
                    # At line feeds and nothing else: text may hold whatever else ends a line.
                    *whole, rest = (rest + piece).split(b"\n")
                    for line in whole:
                        yield line
        if rest:
            yield rest

    def result(self, line: bytes) -> tuple[str, Reply | Exception] | None:
        """What a line tells: of which request, and its reply or what became of it; None if it cannot be read."""
        try:
            told = json.loads(line)
            key, response, error = told["custom_id"], told.get("response") or {}, told.get("error")
            status, body = token_count(response.get("status_code")) or 0, response.get("body")
        except UNREADABLE:
            return None
        if not isinstance(key, str):
            return None
        try:
            if status == 200:
                return key, self._client.read(json.dumps(body).encode(), structured=False)
            return key, self._fault(status, body, error)
        except (Transient, Rejected, UserError) as fault:
            return key, fault

    def _fault(self, status: int, body: Any, error: Any) -> Exception:
        if isinstance(error, dict) and error.get("code") in _UNDONE:
            by_question = error["code"] == "request_timeout"
            return Transient(f"not carried out: {error['code']}", by_question=by_question)
        if not status and not error:
            return Transient("the provider lost it", by_question=True)
        # Some tell of a refused request under `error` alone.
        said = json.dumps(body or {"error": error}).encode()
        return fault_of(status or 400, said, {}, self._endpoint, structured=False)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        with self._client.faults():
            try:
                yield
            except openai.APIStatusError as error:
                if error.status_code in (404, 405, 501):
                    said = message_of(error.response.content)
                    raise Missing(self._shown(f"HTTP {error.status_code}: {said}")) from None
                raise

    async def _list(self, **asked: Any) -> dict:
        with self._faults():
            sent = await self._client.api.get(
                "/batches", options={"params": asked}, cast_to=httpx2.Response
            )
        return _document(sent.content)

    async def _listed(self) -> AsyncIterator[dict]:
        """The batches of this account, the newest first."""
        asked: dict[str, Any] = {"limit": _PAGE}
        for _ in range(_PAGES):
            page = await self._list(**asked)
            found = [document for document in page.get("data") or [] if isinstance(document, dict)]
            for document in found:
                yield document
            if not found or not page.get("has_more"):
                return
            asked["after"] = found[-1].get("id")

    def _batch(self, document: dict) -> Batch:
        counts = document.get("request_counts")
        counts = counts if isinstance(counts, dict) else {}
        done, failed, total = (
            token_count(counts.get(name)) or 0 for name in ("completed", "failed", "total")
        )
        files = (document.get("output_file_id"), document.get("error_file_id"))
        errors = document.get("errors")
        return Batch(
            id=self._id(document.get("id"), "a batch"),
            state=str(document.get("status")).lower(),
            done=done + failed,
            total=total,
            files=tuple(self._id(file, "a file") for file in files if file),
            said=self._shown(json.dumps(errors, ensure_ascii=False)) if errors else "",
        )

    def _id(self, value: Any, what: str) -> str:
        """An id, which is written down: it may hold anything but the key."""
        if not isinstance(value, str) or not value or self._endpoint.redact(value) != value:
            raise _Unreadable(f"the endpoint sent something that is not {what}")
        return value

    def _shown(self, text: str) -> str:
        return self._endpoint.redact(whole_text(text))[:_SHOWN]


def _document(content: bytes) -> dict:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _Unreadable("the endpoint sent something that is no JSON object")
    return document
