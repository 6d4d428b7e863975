"""A model hub on loopback: the part of the Hugging Face hub's protocol that a download uses, and a wire that breaks once."""

import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer:
    """Serves one repository with one commit, named by `main` and by its hash; use it with `with`.

    Attributes:
        url: for HF_ENDPOINT.
        sent: bytes of each file that went over the wire.
        ranges: the Range headers that were asked for, by file.
    """

    def __init__(self, repository: str, folder: Path, *, breaks_in: str | None = None):
        self.repository, self.folder, self.breaks_in = repository, folder, breaks_in
        self.sent: dict[str, int] = {}
        self.ranges: dict[str, list[str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self._answer(body=False)

            def do_GET(self):
                self._answer(body=True)

            def log_message(self, *_):
                pass

            def _answer(self, *, body: bool) -> None:
                path = self.path.split("?")[0]
                if match := re.fullmatch(rf"/api/models/{hub.repository}(?:/revision/(.+))?", path):
                    self._info(match[1] or "main")
                elif path == f"/api/models/{hub.repository}/tree/{COMMIT}":
                    self._tree()
                elif match := re.fullmatch(
                    rf"/{hub.repository}/resolve/({COMMIT}|main)/(.+)", path
                ):
                    self._file(match[2], body)
                else:
                    self._error("RepoNotFound")

            def _info(self, revision: str) -> None:
                if revision not in ("main", COMMIT):
                    return self._error("RevisionNotFound")
                files = [{"rfilename": file.name} for file in sorted(hub.folder.iterdir())]
                info = {
                    "id": hub.repository,
                    "sha": COMMIT,
                    "private": False,
                    "siblings": files,
                    "tags": [],
                    "cardData": {"license": "apache-2.0"},
                }
                self._send(
                    200, json.dumps(info).encode(), {"Content-Type": "application/json"}, body=True
                )

            def _tree(self) -> None:
                entries = [
                    {
                        "type": "file",
                        "path": file.name,
                        "size": file.stat().st_size,
                        "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
                    }
                    for file in sorted(hub.folder.iterdir())
                ]
                self._send(
                    200,
                    json.dumps(entries).encode(),
                    {"Content-Type": "application/json"},
                    body=True,
                )

            def _file(self, name: str, body: bool) -> None:
                file = hub.folder / name
                if not file.is_file():
                    return self._error("EntryNotFound")
                content = file.read_bytes()
                headers = {
                    "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
                    "X-Repo-Commit": COMMIT,
                    "Accept-Ranges": "bytes",
                }
                status, start = 200, 0
                if body and (asked := self.headers.get("Range")):
                    hub.ranges.setdefault(name, []).append(asked)
                    status, start = 206, int(re.match(r"bytes=(\d+)-", asked)[1])
                    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                self._send(status, content[start:], headers, body=body, name=name)

            def _error(self, code: str) -> None:
                self._send(404, b"{}", {"X-Error-Code": code}, body=True)

            def _send(
                self,
                status: int,
                content: bytes,
                headers: dict,
                *,
                body: bool,
                name: str | None = None,
            ) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if body and self.command == "GET":
                    broken = name is not None and name == hub.breaks_in
                    part = content[: len(content) // 2] if broken else content
                    self.wfile.write(part)
                    if name is not None:
                        hub.sent[name] = hub.sent.get(name, 0) + len(part)
                    if broken:
                        hub.breaks_in = None
                        self.wfile.flush()
                        self.connection.close()
                        self.close_connection = True

        return Handler
