"""A page on this machine's own address, made anew when the files it tells of have changed. Reads only."""

import ipaddress
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Hashable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from vitamin.errors import ReportError

_SHARE_OF_TIME: Final = 2
"""The least time between two makings of a page, in times that one takes."""
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of the answer; the page itself says by their digests which scripts run."""
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Current:
    """The page as it is now.

    Args:
        state: What the page depends on, to compare; cheap.
        make: Makes the page; is given its version.
        every_s: Seconds between two looks at the state, at least.
    """

    def __init__(self, state: Callable[[], Hashable], make: Callable[[str], str], every_s: float) -> None:
        self._state, self._make, self._every_s = state, make, every_s
        self._making = threading.Lock()
        self._seen: Hashable = None
        self._next_look = 0.0
        self._count = 0
        self._page = ("", "")

    def page(self) -> tuple[str, str]:
        """Version and page. While a thread makes the next page, others get the one before it, if there is one."""
        if self._making.acquire(blocking=not self._page[0]):
            try:
                self._look()
            finally:
                self._making.release()
        return self._page

    def _look(self) -> None:
        now = time.monotonic()
        if now < self._next_look:
            return
        state = self._state()
        if not self._page[0] or state != self._seen:
            version = str(self._count + 1)
            self._page = (version, self._make(version))
            self._seen, self._count = state, self._count + 1
        after = time.monotonic()
        self._next_look = after + max(self._every_s, _SHARE_OF_TIME * (after - now))


class WatchServer(ThreadingHTTPServer):
    """Answers GET and HEAD for the page and its version, nothing else.

    On a loopback address only requests by a name of this machine are answered, so that no page on the web reaches
    it by a name of its own (DNS rebinding).

    Args:
        host: Address to listen on.
        port: Port, 0 for a free one.
        current: The page.

    Raises:
        ReportError: If it cannot listen there.
    """

    daemon_threads = True

    def __init__(self, host: str, port: int, current: Current) -> None:
        address = ipaddress.ip_address(host)
        self.address_family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        self.current = current
        self.is_loopback = address.is_loopback
        try:
            super().__init__((host, port), _Handler)
        except OSError as error:
            raise ReportError(
                f"Cannot serve on port {port} of {host}: {error.strerror}. Choose another --port (0 takes a free "
                "one) or another --host."
            ) from error

    def server_bind(self) -> None:
        """Binds, without asking for the name of the address as `HTTPServer` does, which may take long."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        host = self.server_name
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (theirs)
        """As what any other thread raises."""
        kind, error, trace = sys.exc_info()
        if kind is not None:
            threading.excepthook(threading.ExceptHookArgs((kind, error, trace, threading.current_thread())))


class _Handler(BaseHTTPRequestHandler):
    server: WatchServer
    server_version = "vitamin"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """The page, or its version."""
        if not self._is_for_us():
            self._answer(HTTPStatus.FORBIDDEN, "This page is for names of this machine, such as localhost.\n")
            return
        path = urlsplit(self.path).path
        if path not in ("/", "/version"):
            self._answer(HTTPStatus.NOT_FOUND, "There is / and /version.\n")
            return
        try:
            version, page = self.server.current.page()
        except Exception:
            self._answer(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The page could not be made; the terminal says why.\n"
            )
            raise
        if path == "/version":
            self._answer(HTTPStatus.OK, f"{version}\n")
        else:
            self._answer(HTTPStatus.OK, page, "text/html")

    def do_HEAD(self) -> None:
        """The same without the content."""
        self.do_GET()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuses a request; of another method than these two, too."""
        if code == HTTPStatus.NOT_IMPLEMENTED:
            self._answer(HTTPStatus.METHOD_NOT_ALLOWED, "Nothing can be changed here.\n", Allow="GET, HEAD")
        else:
            super().send_error(code, message, explain)

    def _is_for_us(self) -> bool:
        if not self.server.is_loopback:
            return True
        try:
            name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
            return name == "localhost" or ipaddress.ip_address(name or "").is_loopback
        except ValueError:
            return False

    def _answer(self, status: HTTPStatus, text: str, kind: str = "text/plain", **headers: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {**_HEADERS, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (its name there)
        """Nothing: a page asks every few seconds."""
