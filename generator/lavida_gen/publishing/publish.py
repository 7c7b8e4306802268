"""Publish a corpus on the Hugging Face Hub: verified, with its card, licence and the recipe that makes it again.

    publish(open_corpus("corpora/street"), "someone/street", PublishOptions())

Shards are sent first, in few commits; the card, the statistics and corpus.json come with the last commit, so that a
repository with a corpus.json is complete. Files that the Hub has already are not sent: an interrupted upload continues,
and of a corpus with one new shard only that one is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lavida_gen.building.card import card
from lavida_gen.building.card_place import CardPlace
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.text import counted
from lavida_gen.corpus.manifest import CARD, MANIFEST, STATS, Manifest, SourceEntry
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.licences import used_sources
from lavida_gen.inspection.preview import choose_samples
from lavida_gen.inspection.rights import TRUST, unknown_sources
from lavida_gen.inspection.show import encode_picture, sample_picture
from lavida_gen.inspection.verify import find_problems
from lavida_gen.publishing.hub import HubRepository
from lavida_gen.publishing.repo_files import UploadFile
from lavida_gen.publishing.upload_plan import UploadPlan, in_batches, make_upload_plan

FILES, ENTRIES = 100_000, 10_000
"""The Hub asks for fewer files than these in a repository and in a folder."""
TOGETHER = 16
"""Files that are uploaded together."""
PICTURES = 6
"""Sample pictures of a card."""


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """How to publish.

    Attributes:
        private: Whether a new repository is private.
        revision: Branch, created if it does not exist.
        allow_noncommercial: Whether samples of sources for non-commercial use only are published.
        trust_sources: Whether corpus.json's word is taken for the rights of sources that are not known here.
    """

    private: bool = False
    revision: str = "main"
    allow_noncommercial: bool = False
    trust_sources: bool = False


@dataclass(frozen=True, slots=True)
class PublishedFiles:
    """All files of a published corpus.

    Attributes:
        shards: The shards.
        rest: Statistics, pictures, card and manifest, which come with the last commit.
    """

    shards: list[UploadFile]
    rest: list[UploadFile]

    @property
    def items(self) -> list[UploadFile]:
        """All files."""
        return [*self.shards, *self.rest]


def publish(
    corpus: Corpus,
    repo: str,
    options: PublishOptions,
    workers: int = 1,
    progress: Callable[[int], None] = lambda count: None,
    log: Callable[[str], None] = lambda text: None,
) -> UploadPlan:
    """Verify a corpus, upload it, and read it back.

    Args:
        corpus: The corpus.
        repo: OWNER/NAME on the Hub.
        options: How to publish.
        workers: Processes for the verification.
        progress: Called with the number of bytes sent since the last call.
        log: Called with messages about waits.

    Returns:
        What was sent.

    Raises:
        UserError: A licence, the token or the repository does not permit it.
        DataError: The corpus has problems, or the Hub cannot be reached or fails.
    """
    hub = HubRepository(repo, options.revision, log)
    refuse_licences(corpus.manifest, options.allow_noncommercial, options.trust_sources)
    hub.need_token()
    with hub.quiet():
        files = prepare_files(corpus, hub, options, workers)
        upload = make_upload_plan(files.shards, files.rest, hub.files())
        hub.create(options.private)
        head = _send(hub, upload, corpus.manifest, progress)
        if head is not None:
            read_back(hub, files.items, head)
    return upload


def prepare_files(corpus: Corpus, hub: HubRepository, options: PublishOptions, workers: int = 1) -> PublishedFiles:
    """Check the licences, verify the corpus and collect all files. This needs no network.

    Args:
        corpus: The corpus.
        hub: The repository.
        options: How to publish.
        workers: Processes for the verification.

    Returns:
        The files.

    Raises:
        UserError: A licence does not permit it, or there are too many shards.
        DataError: The corpus has problems.
    """
    refuse_licences(corpus.manifest, options.allow_noncommercial, options.trust_sources)
    _check_file_counts(corpus.manifest)
    problems = find_problems(corpus, workers, trust_sources=options.trust_sources)
    if problems:
        got = f"{counted(len(problems), 'problem')}, nothing was sent: {problems[0]}"
        raise DataError(problem(corpus.place, got, todo=f"see `lavida-gen verify {corpus.place}`"))
    shards = [_stored(corpus, entry.file, entry.bytes, entry.sha256) for entry in corpus.manifest.shards]
    return PublishedFiles(shards, _rest(corpus, hub.repo, options.revision))


def plan_upload(files: PublishedFiles, hub: HubRepository) -> tuple[UploadPlan, bool]:
    """What `publish` would send. This sends nothing and needs no token.

    Args:
        files: Files of the corpus.
        hub: The repository.

    Returns:
        The plan, and whether the repository exists.
    """
    with hub.quiet():
        existing = hub.files()
    return make_upload_plan(files.shards, files.rest, existing), existing is not None


def refuse_licences(manifest: Manifest, allow_noncommercial: bool, trust_sources: bool = False) -> None:
    """Check the licences of the sources whose pictures are in a corpus.

    Args:
        manifest: The corpus.
        allow_noncommercial: Whether sources for non-commercial use only are permitted.
        trust_sources: Whether the corpus' word is taken for sources that this installation does not know.

    Raises:
        UserError: A source must not be redistributed, or only for non-commercial use, or is not known.
    """
    sources = used_sources(manifest)
    forbidden = [source for source in sources if source.use == "forbidden"]
    if forbidden:
        todo = "build without them, or state `licence` and `use` where the files are your own"
        raise UserError(f"these sources must not be redistributed; {todo}{_listed(forbidden)}")
    names = [] if trust_sources else unknown_sources(manifest)
    unknown = [source for source in sources if source.name in names]
    if unknown:
        raise UserError(f"this installation does not know the rights of these sources; {TRUST}{_listed(unknown)}")
    restricted = [source for source in sources if source.use == "noncommercial"]
    if restricted and not allow_noncommercial:
        raise UserError(
            "samples of these sources may be redistributed for non-commercial use only; if that is your use, give "
            "--allow-noncommercial: the card will state it" + _listed(restricted)
        )


def _listed(sources: Sequence[SourceEntry]) -> str:
    return "".join(f"\n  {s.name} ({s.title}), {counted(s.samples, 'sample')}: {s.licence}; {s.page}" for s in sources)


def _check_file_counts(manifest: Manifest) -> None:
    folders = Counter(shard.file.rpartition("/")[0] for shard in manifest.shards)
    most = max(folders.values())
    if most >= ENTRIES or len(manifest.shards) >= FILES:
        got = f"{counted(len(manifest.shards), 'shard')}, {most:,} in one folder"
        expected = f"fewer than {FILES:,} and {ENTRIES:,}, the Hub's limits"
        raise UserError(problem(manifest.name, got, expected, "build with a larger shard.samples and shard.megabytes"))


def _stored(corpus: Corpus, file: str, size: int, sha256: str) -> UploadFile:
    return UploadFile(file, size, sha256, fetch=lambda: corpus.local_copy(file))


def _rest(corpus: Corpus, repo: str, revision: str) -> list[UploadFile]:
    """The files beside the shards, sample pictures, card and manifest, which come with the last commit."""
    beside = [_stored(corpus, entry.file, entry.bytes, entry.sha256) for entry in corpus.manifest.files]
    if not beside:  # format 1 lists no files
        with corpus.local_copy(STATS) as path:
            beside = [_stored(corpus, STATS, *size_and_sha256(path))]
    frames: dict[str, int] = {}
    shown = choose_samples(_worth_showing(corpus, frames), PICTURES)
    pictures = [
        _made(f"samples/{sample.key}.jpg", encode_picture(sample_picture(sample), ".jpg"))
        for sample in corpus.samples_by_index(shown)
    ]
    text = card(corpus.manifest, frames, CardPlace.hub(repo, revision), [item.path for item in pictures])
    return [*beside, *pictures, _made(CARD, text.encode()), _made(MANIFEST, corpus.storage.read(MANIFEST))]


def _worth_showing(corpus: Corpus, frames: dict[str, int]) -> Iterator[JsonObject]:
    """Rows of the samples that show an anomaly, or of all if none does; sets the most `frames` of each kind."""
    for batch in corpus.row_batches(["index", "source", "kind", "exposure", "frames", "exposed"]):
        for row in batch:
            frames[row["kind"]] = max(row["frames"], frames.get(row["kind"], 0))
            if row["exposed"] or not corpus.manifest.exposed:
                yield row


def _made(path: str, data: bytes) -> UploadFile:
    return UploadFile(path, len(data), sha256(data), data)


def _send(hub: HubRepository, upload: UploadPlan, manifest: Manifest, progress: Callable[[int], None]) -> str | None:
    """Send all commits; return the id of the last one, None if there is nothing to send."""
    head = None
    for number, items in enumerate(upload.commits):
        operations: list[object] = []
        for batch in in_batches(items, TOGETHER):
            with hub.upload(batch) as sent:
                operations += sent
            progress(sum(item.size for item in batch))
        last = number == len(upload.commits) - 1
        delete = upload.delete if last else ()
        if number == 0 and upload.stale and not last:
            delete = (MANIFEST,)
        part = f" ({number + 1} of {len(upload.commits)})" if len(upload.commits) > 1 else ""
        head = hub.commit(items, operations, delete, f"{manifest.name}: {counted(manifest.samples, 'sample')}{part}")
    return head


def read_back(hub: HubRepository, items: Sequence[UploadFile], head: str) -> None:
    """Compare the digests of all files at a commit, and the bytes of the small ones and of the smallest shard.

    Args:
        hub: The repository.
        items: The files that were sent.
        head: Id of the commit.

    Raises:
        DataError: Files differ; the message names them.
    """
    existing = hub.files(head) or {}
    wrong = [item.path for item in items if item.path not in existing or not item.same(existing[item.path])]
    if not wrong:
        smallest = min((item for item in items if item.data is None), key=lambda item: item.size)
        read = [item for item in items if item.path in (CARD, MANIFEST)] + [smallest]
        wrong = [item.path for item in read if sha256(hub.read(item.path, head)) != item.sha256]
    if wrong:
        got = f"{counted(len(wrong), 'file is', 'files are')} not what was sent: {', '.join(wrong[:3])}"
        raise DataError(problem(hub.page, got, todo="run the same command again"))
