"""Writing to the journal from an event loop: many answers, one fsync."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from xuxie.llm.journal import Journal


class GroupCommit:
    """Entries that arrive while the disk is busy are written together when it is free again."""

    def __init__(self, journal: Journal):
        self._journal = journal
        self._thread = ThreadPoolExecutor(1, "xuxie.llm.commit")
        self._waiting: list[tuple[dict, asyncio.Future]] = []
        self._writing: asyncio.Task | None = None

    async def commit(self, entry: dict) -> None:
        """Return when the entry is on the disk; raises what `Journal.append` raises."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await written

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown()

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            writing = asyncio.get_running_loop().run_in_executor(
                self._thread, self._journal.append, [entry for entry, _ in batch]
            )
            [error] = await asyncio.gather(writing, return_exceptions=True)
            for _, written in batch:
                if not written.done():
                    written.set_exception(error) if error else written.set_result(None)
        self._writing = None
