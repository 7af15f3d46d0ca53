"""A real HTTP server on loopback whose answers a test lays out; what it was not told to answer fails the test."""

from __future__ import annotations

import json as _json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

Close = Literal["before", "after", "half"]

UNROUTED = 599


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request as it arrived; `params` keeps every value of a repeated key, header names are lower case."""

    method: str
    path: str
    params: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return _json.loads(self.body) if self.body else None

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    def param(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = self.params.get(name)
        return values[0] if values else None


Reply = tuple[int, Any]
Effect = Callable[[SeenRequest], Any]


@dataclass(slots=True)
class Route:
    """One laid-out answer; `count` is how often it was given."""

    method: str
    path: str
    status: int
    json: Any
    body: bytes | None
    headers: Mapping[str, str]
    times: int | None
    close: Close | None
    params: Mapping[str, str]
    count: int = field(default=0)

    def fits(self, request: SeenRequest) -> bool:
        return (
            request.method == self.method
            and request.path == self.path
            and (self.times is None or self.count < self.times)
            and all(request.param(key) == value for key, value in self.params.items())
        )


class FakeAPI:
    """`with FakeAPI() as api: api.on("GET", "/x", json={...})`; leaving the block without an error asserts it clean.

    Routes are tried in the order in which they were laid out; one with `times` is passed over when used up. `json`
    may be a function of the request: what it returns is sent, as `(status, data)` or just data. `close`:
    "before" cuts the connection before the function runs, "after" after it ran and before any answer, "half" in the
    middle of the body.
    """

    def __init__(self) -> None:
        self.requests: list[SeenRequest] = []
        self.unrouted: list[SeenRequest] = []
        self._routes: list[Route] = []
        self._lock = threading.RLock()
        self._sockets: set[socket.socket] = set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def on(
        self,
        method: str,
        path: str,
        status: int = 200,
        json: Any | Effect = None,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
        close: Close | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Route:
        """Lays out an answer; `path` is compared unquoted, `params` must be in the query if given."""
        raw = body.encode() if isinstance(body, str) else body
        route = Route(method, path, status, json, raw, dict(headers or {}), times, close, dict(params or {}))
        with self._lock:
            self._routes.append(route)
        return route

    def seen(self, method: str, path: str) -> list[SeenRequest]:
        """The requests that arrived for one path."""
        with self._lock:
            return [item for item in self.requests if (item.method, item.path) == (method, path)]

    def assert_clean(self) -> None:
        """Fails when something arrived that no route answers."""
        odd = [f"{item.method} {item.path} {dict(item.params)}" for item in self.unrouted]
        if odd:
            raise AssertionError("unrouted requests: " + "; ".join(odd))

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        with self._lock:
            for connection in self._sockets:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
        if error is None:
            self.assert_clean()

    def answer(self, request: SeenRequest) -> tuple[int, bytes, Mapping[str, str], Close | None]:
        """What to send for a request; called by the handler."""
        with self._lock:
            self.requests.append(request)
            route = next((item for item in self._routes if item.fits(request)), None)
            if route is None:
                self.unrouted.append(request)
                return UNROUTED, b'{"message":"no route for this request"}', {}, None
            route.count += 1
        status, data = route.status, route.json
        if route.close != "before" and callable(data):
            data = data(request)
            if isinstance(data, tuple):
                status, data = data
        if route.body is not None:
            return status, route.body, route.headers, route.close
        raw = b"" if status == 204 else _json.dumps(data).encode() if not callable(data) else b""
        return status, raw, {"Content-Type": "application/json", **route.headers}, route.close

    def track(self, connection: socket.socket, *, gone: bool = False) -> None:
        with self._lock:
            (self._sockets.discard if gone else self._sockets.add)(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client's kept-alive connection must not hold up the end of a test
    request_queue_size = 128

    def server_bind(self) -> None:
        """Without asking the resolver for a host name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])


def _handler(api: FakeAPI) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body leave together: no wait for a delayed acknowledgement
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            api.track(self.connection)

        def finish(self) -> None:
            api.track(self.connection, gone=True)
            try:
                super().finish()
            except OSError:
                return

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            return

        def _any(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            request = SeenRequest(
                method=self.command,
                path=unquote(parts.path),
                params=parse_qs(parts.query, keep_blank_values=True),
                headers={key.lower(): value for key, value in self.headers.items()},
                body=self.rfile.read(length) if length else b"",
            )
            status, raw, headers, close = api.answer(request)
            if close in ("before", "after"):
                self._cut()
                return
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            if "Content-Length" not in headers and status != 204:
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw[: len(raw) // 2] if close == "half" else raw)
            self.wfile.flush()
            if close == "half":
                self._cut()

        def _cut(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any  # noqa: N815 - the names http.server looks for

    return Handler
