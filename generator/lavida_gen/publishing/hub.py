"""One data set repository on the Hugging Face Hub, with retries and clear error messages.

huggingface_hub finds the token (HF_TOKEN, `hf auth login`); no message shows it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.extras import require
from lavida_gen.common.input_file import read_input
from lavida_gen.publishing.repo_files import HubFile, UploadFile

WAITS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Seconds before each retry of a call that the Hub could not answer."""
MAX_WAIT = 3700.0
"""Longest wait in seconds that is accepted from the Hub, whose quota of commits is per hour."""
SMALL = 1 << 20
"""Files smaller than this many bytes are kept in memory until their commit."""
AGAIN = "run the same command again: uploaded files are not sent again"
DRY = "its present files are unknown, so all of these files may be sent; nothing was sent"

T = TypeVar("T")


class HubRepository:
    """A data set repository on the Hub at one revision."""

    def __init__(
        self, repo: str, revision: str, log: Callable[[str], None] = lambda text: None, again: str = AGAIN
    ) -> None:
        """Prepare to talk to the Hub; nothing is sent yet.

        Args:
            repo: OWNER/NAME.
            revision: Branch.
            log: Called with a message when the Hub asks to wait.
            again: Advice of error messages about a failed call.

        Raises:
            UserError: huggingface_hub is not installed, or `repo` is malformed.
        """
        require("huggingface_hub", "publishing")
        import huggingface_hub
        import huggingface_hub.utils  # the package imports its other parts lazily

        hub: ModuleType = huggingface_hub
        try:
            hub.utils.validate_repo_id(repo)
        except ValueError as error:
            raise UserError(problem(f"--repo {repo}", str(error), "OWNER/NAME")) from error
        if repo.count("/") != 1:
            raise UserError(problem(f"--repo {repo}", "has no owner", "OWNER/NAME"))
        self.repo, self.revision, self.log, self.again = repo, revision, log, again
        self._hub, self._api, self._reached = hub, hub.HfApi(), False

    @property
    def page(self) -> str:
        """URL of the repository's page."""
        return f"{self._api.endpoint}/datasets/{self.repo}"

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Keep huggingface_hub from printing its progress bars and its warnings about retries."""
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
        """Check that there is a token.

        Raises:
            UserError: There is none.
        """
        if self._hub.get_token() is None:
            raise UserError("the Hub requires a token with write access; `hf auth login`, or set HF_TOKEN")

    def files(self, revision: str | None = None) -> dict[str, HubFile] | None:
        """List the files of the repository.

        Args:
            revision: Branch or commit; default: the branch of this object.

        Returns:
            Files by name, none on a new branch; None if there is no such repository.
        """

        def ask() -> list[Any]:
            if not self._reached:  # fails at once without a network, where the listing would wait long
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
        """Create the repository and the branch if they do not exist.

        Args:
            private: Whether a new repository is private.
        """
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
    def upload(self, items: Sequence[UploadFile]) -> Iterator[list[object]]:
        """Upload the content of large files, without a commit.

        Args:
            items: The files.

        Yields:
            The operations for `commit`.
        """
        with ExitStack() as opened:
            sources = [_source(item, opened) for item in items]

            def send() -> list[object]:
                pairs = zip(items, sources, strict=True)
                adds = [self._hub.CommitOperationAdd(item.path, source) for item, source in pairs]
                self._api.preupload_lfs_files(
                    self.repo, adds, repo_type="dataset", revision=self.revision, num_threads=4, free_memory=False
                )
                return adds

            yield self._call("upload", send, waits=WAITS[:2])

    def commit(
        self, items: Sequence[UploadFile], operations: Sequence[object], delete: Sequence[str], message: str
    ) -> str:
        """Make one commit.

        Args:
            items: Files of the commit.
            operations: What `upload` yielded for them.
            delete: Files to delete.
            message: Commit message.

        Returns:
            Id of the commit.
        """
        gone = [self._hub.CommitOperationDelete(path) for path in delete]
        tried = False

        def send() -> str:
            nonlocal tried
            if tried and self._has(items, delete):  # the commit was made, only the answer was lost
                return str(self._api.repo_info(self.repo, repo_type="dataset", revision=self.revision).sha)
            tried = True
            done = self._api.create_commit(
                self.repo, [*operations, *gone], commit_message=message, repo_type="dataset", revision=self.revision
            )
            return str(done.oid)

        return self._call("commit", send)

    def _has(self, items: Sequence[UploadFile], delete: Sequence[str]) -> bool:
        files = self.files() or {}
        sent = all(item.path in files and item.same(files[item.path]) for item in items)
        return sent and not set(delete) & set(files)

    def read(self, path: str, revision: str) -> bytes:
        """Download a file.

        Args:
            path: Its name.
            revision: Branch or commit.

        Returns:
            Its content.
        """
        url = self._hub.hf_hub_url(self.repo, path, repo_type="dataset", revision=revision, endpoint=self._api.endpoint)

        def get() -> bytes:
            headers = self._hub.utils.build_hf_headers()
            answer = self._hub.utils.get_session().get(url, headers=headers, follow_redirects=True)
            self._hub.utils.hf_raise_for_status(answer)
            return bytes(answer.content)

        return self._call(f"read {path} back", get)

    def _call(
        self, what: str, ask: Callable[..., T], *args: object, waits: Sequence[float] = WAITS, **more: object
    ) -> T:
        """Call the Hub, with retries where they may help. Raises DataError, UserError, or what `files` handles."""
        errors = self._hub.errors
        http = errors.HfHubHTTPError.__mro__[1]  # the base exception of the HTTP library that huggingface_hub uses
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
                wait = _wait(cause, waits[number] if number < len(waits) and self._may_help(cause) else None)
                if wait is None:
                    raise self._translated(what, cause) from error
                if wait > 60:
                    self.log(f"the Hub asks to wait {wait:.0f} s")
                time.sleep(wait)
        raise AssertionError("the last try raises")

    def _may_help(self, error: BaseException) -> bool:
        """Whether a retry may help: not if the Hub has never answered."""
        self._reached |= _status(error) is not None
        return self._reached

    def _translated(self, what: str, error: BaseException) -> DataError | UserError:
        status = _status(error)
        where = f"{self._api.endpoint}: {self.repo}"
        if status == 401:
            todo = "create a token with write access at https://huggingface.co/settings/tokens; `hf auth login`"
            return UserError(problem(where, "the Hub does not accept the token", todo=todo))
        if status == 403:
            return UserError(
                problem(where, f"the token may not {what} here", todo="use a token of OWNER with write access")
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
    """The content of a small file, else a path that is valid until `opened` is closed."""
    if item.fetch is None:
        assert item.data is not None
        return item.data
    path: Path = opened.enter_context(item.fetch())
    return read_input(path) if item.size < SMALL else str(path)


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _wait(error: BaseException, wait: float | None) -> float | None:
    """Seconds before the next try; None if a retry is useless."""
    status = _status(error)
    final = status is not None and status < 500 and status not in (408, 429)
    if wait is None or final or isinstance(error, ValueError):
        return None
    response = getattr(error, "response", None)
    asked = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(asked), MAX_WAIT) if asked.isdecimal() else wait
