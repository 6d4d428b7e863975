"""A loopback server that answers every chat completion after a fixed latency, with as little work as HTTP allows."""

import argparse
import asyncio
import json
import re

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Completions(asyncio.Protocol):
    """One connection: requests in, the same answer out, each after the latency."""

    def __init__(self, latency: float, answer: bytes):
        self.latency, self.answer, self.held = latency, answer, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.held += data
        while (end := self.held.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self.held[:end])
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.held) < whole:
                return
            self.held = self.held[whole:]
            asyncio.get_running_loop().call_later(self.latency, self.reply)

    def reply(self):
        if not self.transport.is_closing():
            self.transport.write(self.answer)


def http_answer(content: str) -> bytes:
    """A whole HTTP response with a chat completion of this content."""
    body = json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "echo",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": content},
                }
            ],
            "usage": {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320},
        }
    ).encode()
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        % len(body)
        + body
    )


async def serve(port: int, latency: float) -> None:
    """Serve until killed; prints the port when listening."""
    answer = http_answer('{"text": "一二三四五六七八九十", "length": 10}')
    server = await asyncio.get_running_loop().create_server(
        lambda: Completions(latency, answer), "127.0.0.1", port, backlog=2048
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.3, help="seconds")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.latency))
