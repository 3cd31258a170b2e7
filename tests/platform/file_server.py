"""A real HTTP server on this machine that serves one file, with ranges and breaking connections."""

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import ClassVar


@dataclass
class FileServer:
    """The file that is served and how, and the requests that came.

    Attributes:
        content: The file.
        etag: Its version; empty sends none.
        ranges: Whether ranges are served.
        break_after: For each request in turn, after how many bytes the connection breaks; then never again.
        status: Answer with this error instead.
        delay_s: Seconds to wait before an answer.
        requests: The Range header of each request, None for whole files.
        sent: Bytes sent in all.
    """

    content: bytes
    etag: str = '"1"'
    ranges: bool = True
    break_after: list[int] = field(default_factory=list)
    status: int = 200
    delay_s: float = 0.0
    requests: list[str | None] = field(default_factory=list)
    sent: int = 0
    url: str = ""


@contextmanager
def serve(server: FileServer) -> Iterator[FileServer]:
    """Serve until the end of the block; ``server.url`` is the address."""
    handler = type("Handler", (_Handler,), {"served": server})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as listener:
        listener.daemon_threads = True
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        server.url = f"http://127.0.0.1:{listener.server_address[1]}/data.hdf5"
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    served: ClassVar[FileServer]

    def do_GET(self) -> None:
        served = self.served
        asked = self.headers.get("Range")
        served.requests.append(asked)
        threading.Event().wait(served.delay_s)
        if served.status != 200:
            self.send_error(served.status)
            return
        start = 0
        same = self.headers.get("If-Range") in (None, served.etag)
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        if match and served.ranges and same:
            start = int(match[1])
            if start >= len(served.content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(served.content)}")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header(
                "Content-Range", f"bytes {start}-{len(served.content) - 1}/{len(served.content)}"
            )
        else:
            self.send_response(200)
        if served.etag:
            self.send_header("ETag", served.etag)
        body = served.content[start:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if served.break_after:
            body = body[: served.break_after.pop(0)]
        self.wfile.write(body)
        served.sent += len(body)

    def log_message(self, *_: object) -> None:
        pass
