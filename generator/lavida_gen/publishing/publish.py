"""Publish a corpus on the Hugging Face Hub: verified, with its card, licence and the recipe that makes it again.

    publish(open_corpus("corpora/street"), "someone/street", Options())

Shards travel first, in few commits; the card, the statistics and corpus.json come with the last one: a repository with
a corpus.json is whole. What the Hub holds already is not sent: an upload that broke off goes on, a corpus with one new
shard sends that one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lavida_gen.building.card import card, used_sources
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.text import counted
from lavida_gen.corpus.manifest import CARD, MANIFEST, STATS, Manifest, SourceEntry
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.preview import choose_samples
from lavida_gen.inspection.show import encode_picture, sample_picture
from lavida_gen.inspection.verify import find_problems
from lavida_gen.publishing.hub import HubFile, HubRepository, UploadFile

PER_COMMIT, COMMITS = 100, 100
"""The Hub asks for at most about 100 files a commit, and takes 128 commits an hour: so never more than this many."""
FILES, ENTRIES = 100_000, 10_000
"""The Hub wants fewer files than these in a repository and in a folder."""
TOGETHER = 16
"""Files that are sent before the next ones are looked at."""
PICTURES = 6

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How to publish. `revision` is a branch, made if it is not there."""

    private: bool = False
    revision: str = "main"
    allow_noncommercial: bool = False


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """All files of the repository-to-be: the shards, and what comes with the last commit."""

    shards: list[UploadFile]
    rest: list[UploadFile]

    @property
    def items(self) -> list[UploadFile]:
        """All of them."""
        return [*self.shards, *self.rest]


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What is to be sent: files of each commit, files to delete in the last one, how many are there already."""

    commits: tuple[tuple[UploadFile, ...], ...]
    delete: tuple[str, ...]
    unchanged: int
    stale: bool
    """Whether an old corpus.json must go first, for it would not fit the shards between two commits."""

    @property
    def items(self) -> list[UploadFile]:
        """All files to send."""
        return [item for commit in self.commits for item in commit]

    @property
    def bytes(self) -> int:
        """Their size."""
        return sum(item.size for item in self.items)


def publish(
    corpus: Corpus,
    repo: str,
    options: PublishOptions,
    workers: int = 1,
    progress: Callable[[int], None] = lambda count: None,
    say: Callable[[str], None] = lambda text: None,
) -> UploadPlan:
    """Verify, send, read back; what was sent. `progress` counts bytes.

    Raises UserError (licences, token, repository) or DataError (a fault of the corpus, the Hub, the way there).
    """
    hub = HubRepository(repo, options.revision, say)
    refuse_licences(corpus.manifest, options.allow_noncommercial)
    hub.need_token()
    with hub.quiet():
        parcel = prepare_files(corpus, hub, options, workers)
        shipped = make_upload_plan(parcel.shards, parcel.rest, hub.files())
        hub.create(options.private)
        head = _send(hub, shipped, corpus.manifest, progress)
        if head is not None:
            read_back(hub, parcel.items, head)
    return shipped


def prepare_files(corpus: Corpus, hub: HubRepository, options: PublishOptions, workers: int = 1) -> PublishedFiles:
    """Licences, `verify`, all files: what needs no network. Raises UserError or DataError, as `publish` does."""
    refuse_licences(corpus.manifest, options.allow_noncommercial)
    problems = find_problems(corpus, workers)
    if problems:
        got = f"{counted(len(problems), 'problem')}, nothing was sent: {problems[0]}"
        raise DataError(problem(corpus.place, got, todo=f"see `lavida-gen verify {corpus.place}`"))
    _refuse_crowds(corpus.manifest)
    shards = [_stored(corpus, entry.file, entry.bytes, entry.sha256) for entry in corpus.manifest.shards]
    return PublishedFiles(shards, _rest(corpus, hub.repo, options.revision))


def plan_upload(parcel: PublishedFiles, hub: HubRepository) -> tuple[UploadPlan, bool]:
    """What `publish` would send, and whether the repository is there; sends nothing, needs no token."""
    with hub.quiet():
        there = hub.files()
    return make_upload_plan(parcel.shards, parcel.rest, there), there is not None


def refuse_licences(manifest: Manifest, allow_noncommercial: bool) -> None:
    """Raises UserError if a source's licence forbids to pass samples on, or asks for --allow-noncommercial."""
    there = used_sources(manifest)
    forbidden = [source for source in there if source.use == "forbidden"]
    if forbidden:
        raise UserError("these sources may not be passed on; build without them" + _listed(forbidden))
    bound = [source for source in there if source.use == "noncommercial"]
    if bound and not allow_noncommercial:
        raise UserError(
            "samples of these sources may be passed on for non-commercial use only; if that is what you do, give "
            "--allow-noncommercial: the card will say so" + _listed(bound)
        )


def _listed(sources: Sequence[SourceEntry]) -> str:
    return "".join(f"\n  {s.name} ({s.title}), {counted(s.samples, 'sample')}: {s.licence}; {s.page}" for s in sources)


def _refuse_crowds(manifest: Manifest) -> None:
    folders = Counter(shard.file.rpartition("/")[0] for shard in manifest.shards)
    most = max(folders.values())
    if most >= ENTRIES or len(manifest.shards) >= FILES:
        got = f"{counted(len(manifest.shards), 'shard')}, {most:,} in one folder"
        expected = f"fewer than {FILES:,} and {ENTRIES:,}, the Hub's limits"
        raise UserError(problem(manifest.name, got, expected, "build with a larger shard.samples and shard.megabytes"))


def make_upload_plan(
    shards: Sequence[UploadFile], rest: Sequence[UploadFile], there: dict[str, HubFile] | None
) -> UploadPlan:
    """What to send where `there` is what the Hub holds (None: no such repository). Raises UserError for another's."""
    held = there or {}
    _refuse_foreign(held)
    new = [item for item in shards if item.path not in held or not item.same(held[item.path])]
    last = [item for item in rest if item.path not in held or not item.same(held[item.path])]
    wanted = {item.path for item in (*shards, *rest)}
    gone = tuple(path for path in sorted(held) if _ours(path) and path not in wanted)
    several, stale = len(new) + len(last) > PER_COMMIT, MANIFEST in held
    if several and stale:  # the first commit removes it, so the last one brings it, changed or not
        last += [item for item in rest if item.path == MANIFEST and item not in last]
    unchanged = len(shards) + len(rest) - len(new) - len(last)
    if not new and not last and not gone:
        return UploadPlan((), (), unchanged, False)
    if not several:
        return UploadPlan(((*new, *last),), gone, unchanged, False)
    size = max(PER_COMMIT, -(-len(new) // (COMMITS - 1)))
    return UploadPlan((*_batches(new, size), tuple(last)), gone, unchanged, stale)


def _batches(items: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    yield from (tuple(items[start : start + size]) for start in range(0, len(items), size))


def _ours(path: str) -> bool:
    return path.startswith(("image/", "clip/", "samples/")) or path in (CARD, MANIFEST, STATS)


def _refuse_foreign(held: dict[str, HubFile]) -> None:
    """A repository that holds other things, and no corpus, is somebody's work."""
    other = [path for path in held if not _ours(path) and path != ".gitattributes"]
    if other and MANIFEST not in held:
        raise UserError(
            f"the repository holds other things ({', '.join(sorted(other)[:3])}) and no corpus; take another"
        )


def _stored(corpus: Corpus, file: str, size: int, sha256: str) -> UploadFile:
    return UploadFile(file, size, sha256, fetch=lambda: corpus.local_copy(file))


def _rest(corpus: Corpus, repo: str, revision: str) -> list[UploadFile]:
    """Statistics, sample pictures, card and manifest: what comes with the last commit."""
    with corpus.local_copy(STATS) as path:
        stats = _stored(corpus, STATS, *size_and_sha256(path))
    frames: dict[str, int] = {}
    shown = choose_samples(_worth_showing(corpus, frames), PICTURES)
    pictures = [
        _made(f"samples/{sample.key}.jpg", encode_picture(sample_picture(sample), ".jpg"))
        for sample in corpus.samples_by_index(shown)
    ]
    text = card(corpus.manifest, frames, repo, revision, [item.path for item in pictures])
    return [stats, *pictures, _made(CARD, text.encode()), _made(MANIFEST, corpus.storage.read(MANIFEST))]


def _worth_showing(corpus: Corpus, frames: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Rows of samples that show an anomaly (of all, if none does); notes the most `frames` of each kind."""
    for piece in corpus.row_batches(["index", "source", "kind", "exposure", "frames", "exposed"]):
        for row in piece:
            frames[row["kind"]] = max(row["frames"], frames.get(row["kind"], 0))
            if row["exposed"] or not corpus.manifest.exposed:
                yield row


def _made(path: str, data: bytes) -> UploadFile:
    return UploadFile(path, len(data), sha256(data), data)


def _send(hub: HubRepository, upload: UploadPlan, manifest: Manifest, progress: Callable[[int], None]) -> str | None:
    """Send it, commit by commit; the id of the last commit, None if nothing was to be sent."""
    head = None
    for number, items in enumerate(upload.commits):
        operations = []
        for some in _batches(items, TOGETHER):
            with hub.upload(some) as sent:
                operations += sent
            progress(sum(item.size for item in some))
        last = number == len(upload.commits) - 1
        delete = upload.delete if last else (MANIFEST,) if number == 0 and upload.stale else ()
        part = f" ({number + 1} of {len(upload.commits)})" if len(upload.commits) > 1 else ""
        head = hub.commit(items, operations, delete, f"{manifest.name}: {counted(manifest.samples, 'sample')}{part}")
    return head


def read_back(hub: HubRepository, items: Sequence[UploadFile], head: str) -> None:
    """Compare the digests of all files at commit `head`, and the bytes of the small ones and of the smallest shard.

    Raises DataError that names what differs.
    """
    there = hub.files(head) or {}
    wrong = [item.path for item in items if item.path not in there or not item.same(there[item.path])]
    if not wrong:
        smallest = min((item for item in items if item.data is None), key=lambda item: item.size)
        read = [item for item in items if item.path in (CARD, MANIFEST)] + [smallest]
        wrong = [i.path for i in read if sha256(hub.read(i.path, head)) != i.sha256]
    if wrong:
        got = f"{counted(len(wrong), 'file is', 'files are')} not what was sent: {', '.join(wrong[:3])}"
        raise DataError(problem(hub.page, got, todo="run the same command again"))
