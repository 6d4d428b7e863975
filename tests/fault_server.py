"""An OpenAI-compatible server on the loopback interface that misbehaves on demand.

Which request meets which fault depends on the seed, on the words asked and on how often they were asked before, not on
the order of arrival: a run with many requests in flight meets the same faults each time.
"""

import asyncio
import hashlib
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

#: Faults that come instead of an answer, and faults of an answer that comes.
HTTP_FAULTS = ("429", "429_retry_after", "500", "reset", "hang", "slow_body", "malformed_body")
ANSWER_FAULTS = ("malformed", "off_schema", "truncated", "empty", "refused")


def asked(body: dict) -> str:
    """What a request asks: its first message that is not the system's."""
    message = next(message for message in body["messages"] if message["role"] != "system")
    return message["content"].strip()


def echo(body: dict) -> str:
    """The default answer: the first line of what was asked, and its length."""
    line = asked(body).splitlines()[0]
    return json.dumps({"text": line, "length": len(line)}, ensure_ascii=False)


class _Server(uvicorn.Server):
    """Ends at once when it is told to, where uvicorn looks every tenth of a second, and then waits for another."""

    def __init__(self, config: uvicorn.Config):
        super().__init__(config)
        self.ready = threading.Event()
        self._told = asyncio.Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready.set()
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def end(self) -> None:
        """Called from another thread."""
        self._loop.call_soon_threadsafe(self._told.set)


@dataclass
class FaultServer:
    """Serve from a thread while the context is open.

    Attributes:
        faults: share of requests by fault, of HTTP_FAULTS and ANSWER_FAULTS.
        seed: which requests meet them.
        latency: seconds before an answer.
        hang: seconds that a hanging request hangs.
        answer: what to answer: from the request's body to the content.
        key: refuse every other one.
        model: know no other one.
        models: what `/models` answers: names, or a body; None is a 404.
        models_after: seconds until it does.
        models_asked: how often it was asked.
        quota: how many answers until the quota is exhausted.
        formats: types of `response_format` that are known; others are a 400.
        ignores_format: take every `response_format` and give prose.
        reject: answer a 400 with this message to requests whose last message holds this text.
        retry_after: seconds that 429_retry_after asks for.
        scripted: what to answer instead: from the request's body and how often it was asked before to a status and a
            body (bytes, or what JSON says), with headers in third place; None answers as usual.
        rate: answers a second; a request beyond them gets a 429 that names no time.
        edit: changes a completion before it is sent.
        requests: every request that arrived, by what it asked.
        answers: every answer that was sent whole, likewise.
        injected: how often each fault was met.
        now: requests being answered.
        peak: most of them at a time.
        times: when requests arrived (monotonic seconds), in the order of arrival.
        statuses: with what they were answered, in the order of answering.
        keys: the keys that were sent.
        bodies: what was sent.
    """

    faults: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    latency: float = 0.0
    hang: float = 30.0
    answer: Callable[[dict], str] = echo
    key: str | None = None
    model: str | None = None
    models: tuple[str, ...] | bytes | None = None
    models_after: float = 0.0
    models_asked: int = 0
    quota: int | None = None
    formats: tuple[str, ...] = ("json_schema", "json_object")
    ignores_format: bool = False
    reject: dict[str, str] = field(default_factory=dict)
    retry_after: float = 0.05
    scripted: Callable[[dict, int], tuple | None] = lambda body, times: None
    rate: float | None = None
    edit: Callable[[dict, Request], object] = lambda completion, request: completion
    requests: Counter = field(default_factory=Counter)
    answers: Counter = field(default_factory=Counter)
    injected: Counter = field(default_factory=Counter)
    now: int = 0
    peak: int = 0
    times: list[float] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    bodies: list[dict] = field(default_factory=list)

    _next_room: float = 0.0

    def __enter__(self) -> Self:
        app = Starlette(routes=self._routes())
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level="critical",
            lifespan="off",
        )
        self._server = _Server(config)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        # asyncio sets it only for sockets that name their protocol; without, an answer waits 40 ms for a late ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, daemon=True
        )
        self._thread.start()
        self._server.ready.wait()
        return self

    def __exit__(self, *_) -> None:
        self._server.end()
        self._thread.join()

    def _routes(self) -> list[Route]:
        return [
            Route("/v1/chat/completions", self._complete, methods=["POST"]),
            Route("/v1/models", self._list_models),
        ]

    async def _list_models(self, request: Request) -> Response:
        self.models_asked += 1
        await asyncio.sleep(self.models_after)
        if self.models is None:
            return _error(404, "Not Found", "not_found")
        if isinstance(self.models, bytes):
            return Response(self.models, media_type="application/json")
        listed = [{"id": name, "object": "model"} for name in self.models]
        return JSONResponse({"object": "list", "data": listed})

    async def _complete(self, request: Request) -> Response:
        self.times.append(time.monotonic())
        self.now += 1
        self.peak = max(self.peak, self.now)
        try:
            response = await self._respond(request)
            self.statuses.append(response.status_code)
            return response
        finally:
            self.now -= 1

    async def _respond(self, request: Request) -> Response:
        body = await request.json()
        self.bodies.append(body)
        said = asked(body)
        self.requests[said] += 1
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        self.keys.add(key)
        if self.key is not None and key != self.key:
            return _error(401, f"Incorrect API key provided: {key}", "invalid_api_key")
        if self.model is not None and body["model"] != self.model:
            return _error(404, f"The model `{body['model']}` does not exist", "model_not_found")
        if scripted := self.scripted(body, self.requests[said]):
            status, content, *headers = scripted
            content = content if isinstance(content, bytes) else json.dumps(content).encode()
            return Response(content, status, *headers, media_type="application/json")
        if self.rate is not None and not self._has_room():
            return _error(429, "Too many requests", "rate_limit_exceeded")
        if self.quota is not None and self.answers.total() >= self.quota:
            return _error(
                429, "You exceeded your current quota, please check your plan", "insufficient_quota"
            )
        for text, message in self.reject.items():
            if text in body["messages"][-1]["content"]:
                return _error(400, message, "invalid_request_error")
        format = body.get("response_format", {}).get("type")
        if format and format not in self.formats and not self.ignores_format:
            return _error(
                400,
                f"This response_format type is unavailable now: {format}",
                "invalid_request_error",
            )
        fault = self._fault(said)
        if fault:
            self.injected[fault] += 1
        if fault in HTTP_FAULTS:
            return await self._misbehave(fault, request, said)
        await asyncio.sleep(self.latency)
        self.answers[said] += 1
        edited = self.edit(self._completion(body, fault), request)
        content = edited if isinstance(edited, bytes) else json.dumps(edited).encode()
        return Response(content, media_type="application/json")

    def _has_room(self) -> bool:
        """Take one from a bucket that fills at `rate` and holds one."""
        now = time.monotonic()
        if now < self._next_room:
            return False
        self._next_room = now + 1 / self.rate
        return True

    def _fault(self, said: str) -> str | None:
        draw = random.Random(
            hashlib.sha256(f"{self.seed} {said} {self.requests[said]}".encode()).digest()
        ).random()
        for fault, share in self.faults.items():
            if draw < share:
                return fault
            draw -= share
        return None

    async def _misbehave(self, fault: str, request: Request, said: str) -> Response:
        if fault == "429":
            return _error(429, "Rate limit reached", "rate_limit_exceeded")
        if fault == "429_retry_after":
            return _error(
                429,
                "Rate limit reached",
                "rate_limit_exceeded",
                {"Retry-After": f"{self.retry_after:g}"},
            )
        if fault == "500":
            return _error(500, "The server had an error", "server_error")
        if fault == "malformed_body":
            return Response(b'{"choices": [{"mess', media_type="application/json")
        if fault == "slow_body":
            return StreamingResponse(self._dribble(), media_type="application/json")
        if fault == "reset":
            self._reset(request)
        else:
            await asyncio.sleep(self.hang)
        return Response(status_code=500)

    async def _dribble(self):
        """A body that comes too slowly to ever end, and yet never pauses for long."""
        for _ in range(int(self.hang / 0.05)):
            yield b" "
            await asyncio.sleep(0.05)

    def _reset(self, request: Request) -> None:
        for connection in self._server.server_state.connections:
            if connection.client == tuple(request.client):
                raw = connection.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.transport.abort()
                return

    def _completion(self, body: dict, fault: str | None) -> dict:
        prose = self.ignores_format and "JSON schema" not in body["messages"][-1]["content"]
        content = "好的，这是我的回答。" if prose else self.answer(body)
        finish, refusal = "stop", None
        match fault:
            case "malformed":
                content = "I would rather talk about the weather."
            case "off_schema":
                content = '{"unexpected": true}'
            case "truncated":
                content, finish = content[: len(content) // 2], "length"
            case "empty":
                content = ""
            case "refused":
                content, refusal = None, "I cannot help with that."
        words = sum(len(message["content"]) for message in body["messages"])
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": finish,
                    "message": {"role": "assistant", "content": content, "refusal": refusal},
                }
            ],
            "usage": {
                "prompt_tokens": words,
                "completion_tokens": len(content or ""),
                "total_tokens": words + len(content or ""),
                "prompt_tokens_details": {"cached_tokens": words // 2},
            },
        }


def _error(status: int, message: str, code: str, headers: dict | None = None) -> JSONResponse:
    return JSONResponse(
        {"error": {"message": message, "type": code, "code": code}},
        status_code=status,
        headers=headers,
    )
