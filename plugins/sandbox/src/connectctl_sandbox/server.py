"""The HTTP servers: loopback, HTTP/1.1 with keep-alive, one thread per connection."""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .exchange import Reply
from .web import Request, Response

HOST = "127.0.0.1"
STOP_SECONDS = 2.0


class Server(ThreadingHTTPServer):
    """Serves one `reply` function on a loopback port; 0 takes a free one.

    What a handler raises is a bug of the sandbox, not a fault: it is kept in `failures` for the owner to raise.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, reply: Callable[[Request], Reply]) -> None:
        self.reply = reply
        self.failures: list[BaseException] = []
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((HOST, port), _Handler)
        self.origin = f"http://{HOST}:{self.server_address[1]}"
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name=f"sandbox {self.origin}", daemon=True)

    def server_bind(self) -> None:
        """Bind without asking the resolver for a host name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, int(self.server_address[1])

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def _serve(self) -> None:
        """Take one connection after the other. No polling: `stop` wakes it by connecting."""
        while not self._stopping:
            self.handle_request()

    def stop(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        self._stopping = True
        socket.create_connection((HOST, self.server_port), STOP_SECONDS).close()
        self._thread.join(STOP_SECONDS)
        self.server_close()
        with self._changed:
            for connection in self._open:
                _cut(connection)
            self._changed.wait_for(lambda: not self._open, STOP_SECONDS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, so that `stop` can close it."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep what went wrong; a client that hung up is nothing wrong."""
        error = sys.exception()
        if error is not None and not isinstance(error, ConnectionError):
            self.failures.append(error)


class _Handler(BaseHTTPRequestHandler):
    """Reads a request, asks the server for the reply and sends as much of it as the reply says."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small answers on loopback would wait 40 ms for an acknowledgement

    def handle_one_request(self) -> None:
        """One request of the connection, of whatever method: the remote decides which it knows."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        if "transfer-encoding" in self.headers:
            self.close_connection = True
            self._send(Response(411, page="<h1>411 Length Required</h1>"), "whole")
            return
        length = self.headers.get("content-length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        address = urlsplit(self.path)
        reply = self.server.reply(
            Request(
                method=self.command,
                path=unquote(address.path),
                query=parse_qs(address.query, keep_blank_values=True),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
                origin=self.server.origin,
            )
        )
        if reply.response is None:
            self.close_connection = True
            _cut(self.connection)
        else:
            self._send(reply.response, reply.sent)

    def _send(self, response: Response, sent: str) -> None:
        payload, kind = response.payload()
        if sent == "half_json":
            payload = payload[: len(payload) // 2]
        headers = {"Date": self.date_time_string(), **response.headers}
        if kind is not None:
            headers["Content-Type"] = kind
        if response.status != 204:  # RFC 9110 8.6: a 204 has no length
            headers["Content-Length"] = str(len(payload))
        if self.close_connection:
            headers["Connection"] = "close"
        lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        if self.command == "HEAD":
            payload = b""
        if sent == "half":
            self.close_connection = True
            payload = payload[: len(payload) // 2]
        self.wfile.write(head + payload)  # one write, one packet
        if sent == "half":
            _cut(self.connection)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: the request log has it all."""


def _cut(connection: socket.socket) -> None:
    """Shut a connection both ways; it may be closed already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
