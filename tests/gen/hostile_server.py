"""A web server on loopback that serves a corpus of a stranger, and what an attack changes in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


class Site:
    """Files by path, pages of links by folder; `asked` has every request."""

    def __init__(self, files: dict[str, bytes], links: dict[str, list[str]] | None = None) -> None:
        self.files, self.links = files, links or {}
        self.asked: list[str] = []
        self.endless: set[str] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/corpus"

    def page(self, path: str) -> str | None:
        """The listing of a folder: its own links, else those of the files below it; "*" stands for every folder."""
        folder = path.rstrip("/")
        found = self.links.get(folder, self.links.get("*"))
        if found is None:
            below = {name[len(folder) + 1 :].partition("/") for name in self.files if name.startswith(f"{folder}/")}
            found = sorted(head + slash for head, slash, _ in below)
        return "".join(f'<a href="{link}">x</a>' for link in found) if found else None


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve it while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            site.asked.append(self.path)
            path = unquote(urlsplit(self.path).path)
            data, kind = site.files.get(path), "application/octet-stream"
            if data is None and (page := site.page(path)) is not None:
                data, kind = page.encode(), "text/html"
            self.send_response(404 if data is None else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data or b"")

        do_HEAD = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True).start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
