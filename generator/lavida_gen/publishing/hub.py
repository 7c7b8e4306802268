"""One data set repository on the Hugging Face Hub: what publishing needs of huggingface_hub, with patience.

The token is huggingface_hub's own affair (HF_TOKEN, `hf auth login`); no message shows it.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from lavida_gen.common.errors import DataError, UserError, problem

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Seconds before each new try of a call that the Hub could not answer."""
LONGEST = 3700.0
"""The longest wait that the Hub may ask for: its quota of commits is an hour's."""
SMALL = 1 << 20
"""Files below so many bytes are held in memory until their commit."""
AGAIN = "run the same command again: what has arrived is not sent twice"
DRY = "what it holds already is not known, so all of these files may travel; nothing was sent"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UploadFile:
    """A file to publish: its name in the repository, size, SHA-256, and either its bytes or how to get at a file."""

    path: str
    size: int
    sha256: str
    data: bytes | None = None
    fetch: Callable[[], Any] | None = None
    """Makes a context manager of a local path."""

    def same(self, there: HubFile) -> bool:
        """Whether the Hub holds just these bytes."""
        if self.size != there.size:
            return False
        return self.sha256 == there.sha256 if there.sha256 else self._blob() == there.blob

    def _blob(self) -> str:
        """What git calls a file that is no large one."""
        sha = hashlib.sha1(b"blob %d\0" % self.size)
        if self.data is not None:
            sha.update(self.data)
        else:
            assert self.fetch is not None
            with self.fetch() as path:
                sha.update(path.read_bytes())
        return sha.hexdigest()


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the Hub: size, SHA-256 of a large one, git's digest."""

    size: int
    sha256: str | None
    blob: str


class HubRepository:
    """The repository OWNER/NAME at a revision. `say` is told when the Hub asks to wait.

    `again` is what an error advises: what running the same command again is good for.
    """

    def __init__(
        self, repo: str, revision: str, say: Callable[[str], None] = lambda text: None, again: str = AGAIN
    ) -> None:
        try:
            import huggingface_hub
            import huggingface_hub.utils  # the package finds its parts lazily, but for this one
        except ImportError as error:
            raise UserError("publishing needs huggingface_hub; pip install 'lavida-gen[hub]'") from error
        hub: Any = huggingface_hub
        try:
            hub.utils.validate_repo_id(repo)
        except ValueError as error:
            raise UserError(problem(f"--repo {repo}", str(error), "OWNER/NAME")) from error
        if repo.count("/") != 1:
            raise UserError(problem(f"--repo {repo}", "names no owner", "OWNER/NAME"))
        self.repo, self.revision, self.say, self.again = repo, revision, say, again
        self._hub, self._api, self._reached = hub, hub.HfApi(), False

    @property
    def page(self) -> str:
        """The repository's page."""
        return f"{self._api.endpoint}/datasets/{self.repo}"

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep huggingface_hub from printing: its bars stand in the way of ours, its warnings tell of tries."""
        tools = self._hub.utils
        level, bars = tools.logging.get_verbosity(), not tools.are_progress_bars_disabled()
        tools.logging.set_verbosity(tools.logging.CRITICAL)
        tools.disable_progress_bars()
        try:
            yield
        finally:
            tools.logging.set_verbosity(level)
            if bars:
                tools.enable_progress_bars()

    def need_token(self) -> None:
        """Raises UserError if there is none."""
        if self._hub.get_token() is None:
            raise UserError("the Hub wants a token that may write; `hf auth login`, or set HF_TOKEN")

    def files(self, revision: str | None = None) -> dict[str, HubFile] | None:
        """What the repository holds, by name; None if there is no such repository, nothing on a new branch."""

        def ask() -> list[Any]:
            if not self._reached:  # asks once, where the listing would wait long for a network that is not there
                self._api.repo_info(self.repo, repo_type="dataset")
            found = self._api.list_repo_tree(
                self.repo, repo_type="dataset", recursive=True, revision=revision or self.revision
            )
            return [file for file in found if hasattr(file, "size")]

        try:
            found = self._call("list the files", ask)
        except self._hub.errors.RepositoryNotFoundError:
            return None
        except (self._hub.errors.RevisionNotFoundError, self._hub.errors.EntryNotFoundError):
            return {}
        return {file.path: HubFile(file.size, file.lfs.sha256 if file.lfs else None, file.blob_id) for file in found}

    def create(self, private: bool) -> None:
        """Make the repository, and the branch, if they are not there."""
        self._call(
            "create the repository", self._api.create_repo, self.repo,
            repo_type="dataset", private=private or None, exist_ok=True,
        )  # fmt: skip
        if self.revision != "main":
            self._call(
                "create the branch", self._api.create_branch, self.repo,
                branch=self.revision, repo_type="dataset", exist_ok=True,
            )  # fmt: skip

    @contextmanager
    def upload(self, items: Sequence[UploadFile]) -> Iterator[list[Any]]:
        """Send the bytes of large files, without a commit; yields the operations for `commit`."""
        with ExitStack() as opened:
            sources = [_source(one, opened) for one in items]

            def send() -> list[Any]:
                pairs = zip(items, sources, strict=True)
                adds = [self._hub.CommitOperationAdd(one.path, source) for one, source in pairs]
                self._api.preupload_lfs_files(
                    self.repo, adds, repo_type="dataset", revision=self.revision, num_threads=4, free_memory=False
                )
                return adds

            yield self._call("upload", send, waits=WAITS[:2])

    def commit(
        self, items: Sequence[UploadFile], operations: Sequence[Any], delete: Sequence[str], message: str
    ) -> str:
        """One commit of `operations`, which `upload` gave for `items`; returns its id."""
        gone = [self._hub.CommitOperationDelete(path) for path in delete]
        tried = False

        def send() -> str:
            nonlocal tried
            if tried and self._has(items, delete):  # it was made, and only the answer was lost
                return str(self._api.repo_info(self.repo, repo_type="dataset", revision=self.revision).sha)
            tried = True
            done = self._api.create_commit(
                self.repo, [*operations, *gone], commit_message=message, repo_type="dataset", revision=self.revision
            )
            return str(done.oid)

        return self._call("commit", send)

    def _has(self, items: Sequence[UploadFile], delete: Sequence[str]) -> bool:
        there = self.files() or {}
        return all(one.path in there and one.same(there[one.path]) for one in items) and not set(delete) & set(there)

    def read(self, path: str, revision: str) -> bytes:
        """The bytes of a file as anybody gets them now."""
        url = self._hub.hf_hub_url(self.repo, path, repo_type="dataset", revision=revision, endpoint=self._api.endpoint)

        def get() -> bytes:
            headers = self._hub.utils.build_hf_headers()
            answer = self._hub.utils.get_session().get(url, headers=headers, follow_redirects=True)
            self._hub.utils.hf_raise_for_status(answer)
            return bytes(answer.content)

        return self._call(f"read {path} back", get)

    def _call(self, what: str, ask: Callable[..., T], *args: Any, waits: Sequence[float] = WAITS, **more: Any) -> T:
        """Ask the Hub, again and again where it may help. Raises DataError, UserError, or what `files` handles."""
        errors = self._hub.errors
        http = errors.HfHubHTTPError.__mro__[1]  # the base of the HTTP library that huggingface_hub stands on
        missing = (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError)
        for number in range(len(waits) + 1):
            try:
                answer = ask(*args, **more)
                self._reached = True
                return answer
            except (errors.HfHubHTTPError, http, RuntimeError, ValueError, OSError) as error:
                cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
                if isinstance(cause, missing):
                    self._reached = True
                    raise cause from None
                wait = _wait(cause, waits[number] if number < len(waits) and self._tries(cause) else None)
                if wait is None:
                    raise self._told(what, cause) from error
                if wait > 60:
                    self.say(f"the Hub asks to wait {wait:.0f} s")
                time.sleep(wait)
        raise AssertionError("the last try raises")

    def _tries(self, error: BaseException) -> bool:
        """Whether trying again may help: not where nobody has ever answered."""
        self._reached |= _status(error) is not None
        return self._reached

    def _told(self, what: str, error: BaseException) -> DataError | UserError:
        status = _status(error)
        where = f"{self._api.endpoint}: {self.repo}"
        if status == 401:
            todo = "make a token that may write at https://huggingface.co/settings/tokens; `hf auth login`"
            return UserError(problem(where, "the Hub does not accept the token", todo=todo))
        if status == 403:
            return UserError(
                problem(where, f"the token may not {what} here", todo="take a token of OWNER that may write")
            )
        if status is None and not isinstance(error, ValueError):
            return DataError(problem(where, f"the Hub cannot be reached ({self._clean(error)})", todo=self.again))
        return DataError(problem(where, f"the Hub could not {what} ({self._clean(error)})", todo=self.again))

    def _clean(self, error: BaseException) -> str:
        """An error in one line, without the token and without signed addresses."""
        text = re.sub(r"(https?://[^\s?]+)\?\S*", r"\1", " ".join(str(error).split()))[:300] or type(error).__name__
        token = self._hub.get_token()
        return text.replace(token, "***") if token else text


def _source(item: UploadFile, opened: ExitStack) -> bytes | str:
    """The bytes of a small file, else a path that holds until `opened` closes."""
    if item.fetch is None:
        assert item.data is not None
        return item.data
    path: Path = opened.enter_context(item.fetch())
    return path.read_bytes() if item.size < SMALL else str(path)


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _wait(error: BaseException, wait: float | None) -> float | None:
    """Seconds before the next try; None if trying again is no use."""
    status = _status(error)
    if (
        wait is None
        or isinstance(error, ValueError)
        or (status is not None and status < 500 and status not in (408, 429))
    ):
        return None
    response = getattr(error, "response", None)
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(asked), LONGEST) if asked.isdecimal() else wait
