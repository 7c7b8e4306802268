"""Comparing the files of a corpus with those on the Hub: what an upload sends and deletes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lavida_gen.common.errors import UserError
from lavida_gen.corpus.manifest import CARD, LICENCE, MANIFEST, STATS
from lavida_gen.publishing.repo_files import HubFile, UploadFile

PER_COMMIT, COMMITS = 100, 100
"""Limits of one upload. The Hub asks for at most about 100 files per commit and accepts 128 commits per hour."""


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What an upload sends.

    Attributes:
        commits: Files of each commit.
        delete: Files that the last commit deletes.
        unchanged: Number of files that the Hub has already.
        stale: Whether the first commit deletes an old corpus.json, which does not fit the shards between two commits.
    """

    commits: tuple[tuple[UploadFile, ...], ...]
    delete: tuple[str, ...]
    unchanged: int
    stale: bool

    @property
    def items(self) -> list[UploadFile]:
        """All files to send."""
        return [item for commit in self.commits for item in commit]

    @property
    def bytes(self) -> int:
        """Size of all files to send."""
        return sum(item.size for item in self.items)


def make_upload_plan(
    shards: Sequence[UploadFile], rest: Sequence[UploadFile], existing: dict[str, HubFile] | None
) -> UploadPlan:
    """Compare the files of a corpus with those on the Hub.

    Args:
        shards: The shards.
        rest: The files of the last commit.
        existing: Files on the Hub by name; None if there is no such repository.

    Returns:
        What to send.

    Raises:
        UserError: The repository holds something else.
    """
    held = existing or {}
    _refuse_foreign(held)
    new = [item for item in shards if item.path not in held or not item.same(held[item.path])]
    last = [item for item in rest if item.path not in held or not item.same(held[item.path])]
    wanted = {item.path for item in (*shards, *rest)}
    gone = tuple(path for path in sorted(held) if _ours(path) and path not in wanted)
    several, stale = len(new) + len(last) > PER_COMMIT, MANIFEST in held
    if several and stale:  # the first commit removes it, so the last one must restore it
        last += [item for item in rest if item.path == MANIFEST and item not in last]
    unchanged = len(shards) + len(rest) - len(new) - len(last)
    if not new and not last and not gone:
        return UploadPlan((), (), unchanged, False)
    if not several:
        return UploadPlan(((*new, *last),), gone, unchanged, False)
    size = max(PER_COMMIT, -(-len(new) // (COMMITS - 1)))
    return UploadPlan((*in_batches(new, size), tuple(last)), gone, unchanged, stale)


def in_batches(items: Sequence[UploadFile], size: int) -> Iterator[tuple[UploadFile, ...]]:
    """Cut a list of files into batches.

    Args:
        items: The files.
        size: Files of a batch; the last batch may be shorter.

    Yields:
        The batches.
    """
    yield from (tuple(items[start : start + size]) for start in range(0, len(items), size))


def _ours(path: str) -> bool:
    return path.startswith(("image/", "clip/", "samples/", "preview/")) or path in (CARD, LICENCE, MANIFEST, STATS)


def _refuse_foreign(held: dict[str, HubFile]) -> None:
    """Refuse a repository that holds other files and no corpus."""
    other = [path for path in held if not _ours(path) and path != ".gitattributes"]
    if other and MANIFEST not in held:
        raise UserError(
            f"the repository holds other files ({', '.join(sorted(other)[:3])}) and no corpus; give another one"
        )
