"""A stand-in for the Hugging Face Hub on loopback: real HTTP, its own storage, and failures on demand.

    with Stand() as hub:
        hub.endpoint                      # HF_ENDPOINT
        hub.repos["someone/corpus"].files()
        hub.fail("PUT /lfs/", times=1, status=500)

It answers what huggingface_hub asks for data sets: create, branch, preupload, LFS batch, PUT, commit, tree, paths-info,
info, resolve (with ranges). Content is checked: an object whose digest is not its name is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

LARGE = (".tar", ".parquet", ".jpg", ".png")
WRITE, READ = "hf_writeTokenOfTheTests", "hf_readTokenOfTheTests"
LOST = -1
PAGE = 40
"""Entries of a tree that one answer lists."""


@dataclass(frozen=True)
class File:
    """A file of a commit: large ones are named by SHA-256."""

    data: bytes
    large: bool

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def blob(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.data) + self.data).hexdigest()

    def entry(self, path: str) -> dict[str, Any]:
        plain: dict[str, Any] = {"type": "file", "path": path, "size": len(self.data), "oid": self.blob}
        if self.large:
            plain["lfs"] = {"oid": self.sha256, "size": len(self.data), "pointerSize": 130}
        return plain


@dataclass
class Commit:
    """A state of a repository, and its commit message."""

    oid: str
    files: dict[str, File]
    message: str = ""
    operations: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Repo:
    """A data set repository: its branches, each a row of commits."""

    private: bool = False
    branches: dict[str, list[Commit]] = field(default_factory=dict)

    def at(self, revision: str) -> Commit | None:
        if revision in self.branches:
            return self.branches[revision][-1]
        return next((c for commits in self.branches.values() for c in commits if c.oid == revision), None)

    def files(self, revision: str = "main") -> dict[str, bytes]:
        commit = self.at(revision)
        assert commit is not None
        return {path: file.data for path, file in commit.files.items()}


@dataclass
class Failure:
    """A failure of requests that begin with `where` ("METHOD /path"), `times` times: a status, a cut (0), a lost answer."""

    where: str
    times: int
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


class Stand:
    """The server, its repositories and what it was asked."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.objects: dict[str, bytes] = {}
        self.log: list[str] = []
        self.problems: list[Failure] = []
        self.lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Stand:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fail(self, where: str, times: int = 1, status: int = 0, **headers: str) -> None:
        """Answer the next `times` requests that begin with `where` by `status`; 0 cuts the connection half-way, LOST after all is done."""
        self.problems.append(Failure(where, times, status, {k.replace("_", "-"): v for k, v in headers.items()}))

    def asked(self, where: str) -> list[str]:
        """Requests that began with `where`."""
        return [line for line in self.log if line.startswith(where)]

    def failure_for(self, line: str) -> Failure | None:
        with self.lock:
            for problem in self.problems:
                if problem.times and line.startswith(problem.where):
                    problem.times -= 1
                    return problem
        return None


Answer = tuple[int, Any, dict[str, str]]


class _Routes:
    """What each address answers; `self` is the server's side of one request."""

    def __init__(self, stand: Stand, token: str | None, query: dict[str, list[str]], body: bytes) -> None:
        self.stand, self.token, self.query, self.body = stand, token, query, body

    def may_write(self) -> Answer | None:
        return None if self.token == WRITE else (403, {"error": "you may not write here"}, {})

    def repo(self, name: str, revision: str = "main") -> tuple[Repo, Commit] | Answer:
        repo = self.stand.repos.get(name)
        if repo is None or (repo.private and self.token is None):
            return 404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}
        commit = repo.at(unquote(revision))
        if commit is None:
            return 404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"}
        return repo, commit

    def create(self) -> Answer:
        plain = json.loads(self.body)
        name = f"{plain['organization']}/{plain['name']}"
        if refused := self.may_write():
            return refused
        if name in self.stand.repos:
            return 409, {"error": "You already created this repo", "url": f"{self.stand.endpoint}/datasets/{name}"}, {}
        first = Commit("0" * 40, {".gitattributes": File(b"*.tar filter=lfs\n", False)})
        private = plain.get("private") or plain.get("visibility") == "private"
        self.stand.repos[name] = Repo(bool(private), {"main": [first]})
        return 200, {"url": f"{self.stand.endpoint}/datasets/{name}"}, {}

    def branch(self, name: str, branch: str) -> Answer:
        found = self.repo(name)
        if len(found) == 3:
            return found
        repo = found[0]
        if unquote(branch) in repo.branches:
            return 409, {"error": "Reference already exists"}, {}
        repo.branches[unquote(branch)] = list(repo.branches["main"])
        return 200, {}, {}

    def validate(self) -> Answer:
        text = json.loads(self.body)["content"]
        try:
            plain = yaml.safe_load(text.split("---")[1])
            assert isinstance(plain, dict)
        except (yaml.YAMLError, IndexError, AssertionError):
            return 400, {"errors": [{"message": "broken YAML"}], "warnings": []}, {}
        return 200, {"errors": [], "warnings": []}, {}

    def preupload(self, name: str, revision: str) -> Answer:
        found = self.repo(name, revision)
        if refused := self.may_write():
            return refused
        if len(found) == 3:
            return found
        rows = []
        for one in json.loads(self.body)["files"]:
            there = found[1].files.get(one["path"])
            mode = "lfs" if one["path"].endswith(LARGE) else "regular"
            rows.append(
                {"path": one["path"], "uploadMode": mode, "shouldIgnore": False,
                 "oid": (there.sha256 if there.large else there.blob) if there else None}
            )  # fmt: skip
        return 200, {"files": rows}, {}

    def batch(self, name: str) -> Answer:
        if refused := self.may_write():
            return refused
        rows: list[dict[str, Any]] = []
        for one in json.loads(self.body)["objects"]:
            row = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.stand.objects:
                row["actions"] = {"upload": {"href": f"{self.stand.endpoint}/lfs/{one['oid']}?signature=secret"}}
            rows.append(row)
        return 200, {"transfer": "basic", "objects": rows}, {}

    def put(self, oid: str) -> Answer:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return 400, {"error": "the content does not have the digest of its name"}, {}
        self.stand.objects[oid] = self.body
        return 200, {}, {}

    def commit(self, name: str, revision: str) -> Answer:
        found = self.repo(name, revision)
        if refused := self.may_write():
            return refused
        if len(found) == 3:
            return found
        repo, head = found
        files, operations = dict(head.files), [json.loads(line) for line in self.body.splitlines()]
        for operation in operations[1:]:
            value = operation["value"]
            if operation["key"] == "file":
                files[value["path"]] = File(base64.b64decode(value["content"]), False)
            elif operation["key"] == "lfsFile":
                if value["oid"] not in self.stand.objects:
                    return 400, {"error": f"LFS pointer of {value['path']} points to nothing"}, {}
                files[value["path"]] = File(self.stand.objects[value["oid"]], True)
            else:
                assert operation["key"] == "deletedFile", operation
                del files[value["path"]]
        commits = repo.branches[unquote(revision)]
        oid = hashlib.sha1(head.oid.encode() + self.body).hexdigest()
        commits.append(Commit(oid, files, operations[0]["value"]["summary"], operations[1:]))
        return 200, {"commitOid": oid, "commitUrl": f"{self.stand.endpoint}/datasets/{name}/commit/{oid}"}, {}

    def tree(self, name: str, revision: str, path: str | None) -> Answer:
        found = self.repo(name, revision)
        if len(found) == 3:
            return found
        entries = _entries(
            found[1].files, unquote(path or "").strip("/"), self.query.get("recursive", ["false"])[0].lower() == "true"
        )
        start = int(self.query.get("cursor", ["0"])[0])
        more = {}
        if start + PAGE < len(entries):
            more["Link"] = (
                f"<{self.stand.endpoint}/api/datasets/{name}/tree/{revision}{'/' + path if path else ''}"
                f'?recursive={self.query.get("recursive", ["False"])[0]}&cursor={start + PAGE}>; rel="next"'
            )
        return 200, entries[start : start + PAGE], more

    def paths_info(self, name: str, revision: str) -> Answer:
        found = self.repo(name, revision)
        if len(found) == 3:
            return found
        wanted = parse_qs(self.body.decode())["paths"]
        entries = _entries(found[1].files, "", True)
        return 200, [entry for entry in entries if entry["path"] in wanted], {}

    def info(self, name: str, revision: str | None) -> Answer:
        found = self.repo(name, revision or "main")
        if len(found) == 3:
            return found
        siblings = [{"rfilename": path} for path in found[1].files]
        return 200, {"id": name, "sha": found[1].oid, "private": found[0].private, "siblings": siblings, "tags": []}, {}

    def resolve(self, name: str, revision: str, path: str) -> Answer:
        found = self.repo(name, revision)
        if len(found) == 3:
            return found
        file = found[1].files.get(unquote(path))
        if file is None:
            return 404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"}
        etag = file.sha256 if file.large else file.blob
        return 200, file.data, {"ETag": f'"{etag}"', "X-Repo-Commit": found[1].oid, "Accept-Ranges": "bytes"}


def _entries(files: dict[str, File], below: str, recursive: bool) -> list[dict[str, Any]]:
    """The tree below a folder, as the Hub lists it."""
    start = f"{below}/" if below else ""
    entries: dict[str, dict[str, Any]] = {}
    for path, file in sorted(files.items()):
        if not path.startswith(start):
            continue
        inner = path[len(start) :].split("/")
        for depth in range(1, len(inner)):
            folder = start + "/".join(inner[:depth])
            if recursive or depth == 1:
                entries[folder] = {"type": "directory", "path": folder, "oid": "0" * 40, "size": 0}
        if recursive or len(inner) == 1:
            entries[path] = file.entry(path)
    return list(entries.values())


NAME = r"([\w.-]+/[\w.-]+?)"
ROUTES: list[tuple[str, Callable[..., Answer]]] = [
    (r"POST /api/repos/create", _Routes.create),
    (r"POST /api/validate-yaml", _Routes.validate),
    (rf"POST /api/datasets/{NAME}/branch/([^/]+)", _Routes.branch),
    (rf"POST /api/datasets/{NAME}/preupload/([^/]+)", _Routes.preupload),
    (rf"POST /datasets/{NAME}\.git/info/lfs/objects/batch", _Routes.batch),
    (r"PUT /lfs/(\w{64})", _Routes.put),
    (rf"POST /api/datasets/{NAME}/commit/([^/]+)", _Routes.commit),
    (rf"POST /api/datasets/{NAME}/paths-info/([^/]+)", _Routes.paths_info),
    (rf"GET /api/datasets/{NAME}/tree/([^/]+)(?:/(.*))?", _Routes.tree),
    (rf"GET /api/datasets/{NAME}(?:/revision/([^/]+))?", _Routes.info),
    (
        r"GET /api/datasets/([^/]+)()",
        _Routes.info,
    ),  # huggingface_hub 1 asks whether "someone" is a repository without owner
    (rf"(?:GET|HEAD) /datasets/{NAME}/resolve/([^/]+)/(.+)", _Routes.resolve),
]


def _handler(stand: Stand) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _handle(self) -> None:
            way = urlsplit(self.path)
            line = f"{self.command} {way.path}"
            stand.log.append(line)
            length = int(self.headers.get("Content-Length") or 0)
            problem = stand.failure_for(line)
            if problem is not None and not problem.status:
                self.rfile.read(length // 2)
                self.close_connection = True
                self.connection.close()
                return
            body = self._chunks() if self.headers.get("Transfer-Encoding") == "chunked" else self.rfile.read(length)
            if problem is not None and problem.status == LOST:
                self._route(line, parse_qs(way.query), body)
                self.close_connection = True
                self.connection.close()
                return
            if problem is not None:
                self._answer(problem.status, {"error": "made to fail"}, problem.headers)
                return
            self._answer(*self._route(line, parse_qs(way.query), body))

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _route(self, line: str, query: dict[str, list[str]], body: bytes) -> Answer:
            given = (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None
            if given not in (None, WRITE, READ) and not line.startswith("PUT /lfs/"):
                return 401, {"error": "Invalid credentials in Authorization header"}, {}
            for pattern, answer in ROUTES:
                if match := re.fullmatch(pattern, line):
                    with stand.lock:
                        return answer(_Routes(stand, given, query, body), *match.groups())
            return 404, {"error": f"the stand-in knows no {line}"}, {}

        def _answer(self, status: int, content: Any, headers: dict[str, str]) -> None:
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
            if asked and status == 200:
                start, stop = int(asked[1]), min(int(asked[2] or len(data)) + 1, len(data))
                headers = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(data)}"}
                status, data = 206, data[start:stop]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_HEAD = _handle

    return Handler
