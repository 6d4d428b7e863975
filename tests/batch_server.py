"""The fault server with batches: OpenAI's protocol of files and batches, its losses, and what was paid for.

A request of a batch is carried out, and paid for, when the batch is made.
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from fault_server import FaultServer, asked
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

#: Where a request can be held up, in order: nothing is done yet, or done and not yet told.
STAGES = ("upload", "uploaded", "create", "created", "look", "download", "half")


@dataclass
class BatchServer(FaultServer):
    """Serve from a thread while the context is open.

    Attributes:
        looks: how often a batch is looked at until it has ended.
        ends: in which state batches end, in the order in which they are made; the last one of all others.
        losing: what becomes of a request: from its body, and how often it was in a batch, to None (it is answered), or
            the lines that are sent instead, without their `custom_id`.
        spoil: changes the lines of a batch's answers before they are kept.
        trouble: from the stage, and how often it was reached, to an answer that is sent instead; None is none.
        hold_at: the stage at which requests are held up until `go_on` is set; `reached` says that one is.
        more_said: further fields of what is told of a batch that has ended.
        billed: requests that were answered by batch, by what they asked.
        batches, files: what was made and sent up, by id.
    """

    looks: int = 1
    ends: tuple[str, ...] = ("completed",)
    losing: Callable[[dict, int], list[dict] | None] = lambda body, times: None
    spoil: Callable[[list[bytes]], list[bytes]] = lambda lines: lines
    trouble: Callable[[str, int], Response | None] = lambda stage, times: None
    hold_at: str | None = None
    more_said: Callable[[dict], dict] = lambda batch: {}
    billed: Counter = field(default_factory=Counter)
    batches: dict[str, dict] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    _in_batches: Counter = field(default_factory=Counter)
    _at: Counter = field(default_factory=Counter)

    def _routes(self) -> list[Route]:
        return [
            *super()._routes(),
            Route("/v1/files", self._upload, methods=["POST"]),
            Route("/v1/files/{id}/content", self._download),
            Route("/v1/batches", self._create, methods=["POST"]),
            Route("/v1/batches", self._list),
            Route("/v1/batches/{id}", self._look),
        ]

    async def _stage(self, stage: str) -> Response | None:
        self._at[stage] += 1
        if stage == self.hold_at:
            self.reached.set()
            while not self.go_on.is_set():
                await asyncio.sleep(0.01)
        return self.trouble(stage, self._at[stage])

    async def _upload(self, request: Request) -> Response:
        if trouble := await self._stage("upload"):
            return trouble
        async with request.form() as form:
            assert form["purpose"] == "batch"
            id = f"file-{len(self.files)}"
            self.files[id] = await form["file"].read()
        return await self._stage("uploaded") or JSONResponse({"id": id, "object": "file"})

    async def _create(self, request: Request) -> Response:
        if trouble := await self._stage("create"):
            return trouble
        made = await request.json()
        assert made["endpoint"] == "/v1/chat/completions" and made["completion_window"] == "24h"
        number = len(self.batches)
        batch = {
            "id": f"batch-{number}",
            "object": "batch",
            "input_file_id": made["input_file_id"],
            "status": "validating",
            "created_at": number,
            "output_file_id": None,
            "error_file_id": "",
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
            "looked": 0,
            "end": self.ends[min(number, len(self.ends) - 1)],
        }
        self.batches[batch["id"]] = batch
        if batch["end"] != "failed":
            self._carry_out(batch)
        return await self._stage("created") or JSONResponse(self._told(batch))

    def _carry_out(self, batch: dict) -> None:
        answers, errors = [], []
        for line in self.files[batch["input_file_id"]].splitlines():
            wanted = json.loads(line)
            assert (wanted["method"], wanted["url"]) == ("POST", "/v1/chat/completions")
            body, key = wanted["body"], wanted["custom_id"]
            said = asked(body)
            self._in_batches[said] += 1
            lost = self.losing(body, self._in_batches[said])
            if lost is not None:
                errors += [json.dumps({"custom_id": key, **line}).encode() for line in lost]
                continue
            self.billed[said] += 1
            self.requests[said] += 1
            reply = {"status_code": 200, "body": self._completion(body, self._fault(said))}
            answer = {"custom_id": key, "response": reply, "error": None}
            answers.append(json.dumps(answer, ensure_ascii=False).encode())
        answers = self.spoil(answers[::-1])  # in no order that anybody may rely on
        for name, lines in (("output_file_id", answers), ("error_file_id", errors)):
            if lines:
                batch[name] = f"{name}-{batch['id']}"
                self.files[batch[name]] = b"\n".join(lines) + b"\n"
        batch["request_counts"] = {
            "total": len(answers) + len(errors),
            "completed": len(answers),
            "failed": len(errors),
        }

    def _told(self, batch: dict) -> dict:
        told = {name: value for name, value in batch.items() if name not in ("looked", "end")}
        if told["status"] not in ("validating", "in_progress"):
            return {**told, **self.more_said(batch)}
        return {**told, "output_file_id": None, "error_file_id": None}

    async def _list(self, request: Request) -> Response:
        if trouble := await self._stage("list"):
            return trouble
        limit, after = int(request.query_params["limit"]), request.query_params.get("after")
        newest_first = list(self.batches)[::-1]
        start = newest_first.index(after) + 1 if after else 0
        page = newest_first[start : start + limit]
        return JSONResponse(
            {
                "object": "list",
                "data": [self._told(self.batches[id]) for id in page],
                "has_more": start + limit < len(newest_first),
            }
        )

    async def _look(self, request: Request) -> Response:
        if trouble := await self._stage("look"):
            return trouble
        batch = self.batches.get(request.path_params["id"])
        if batch is None:
            return JSONResponse({"error": {"message": "No such batch"}}, 404)
        batch["looked"] += 1
        batch["status"] = batch["end"] if batch["looked"] >= self.looks else "in_progress"
        return JSONResponse(self._told(batch))

    async def _download(self, request: Request) -> Response:
        if trouble := await self._stage("download"):
            return trouble
        content = self.files[request.path_params["id"]]
        return StreamingResponse(self._in_halves(content), media_type="application/octet-stream")

    async def _in_halves(self, content: bytes) -> AsyncIterator[bytes]:
        half = len(content) // 2
        yield content[:half]
        await self._stage("half")
        yield content[half:]
