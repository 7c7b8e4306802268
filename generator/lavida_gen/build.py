"""THE loop of the generator, and its resume.

    build(load("street"), Path("corpora/street"), workers=4)

Shards are made independently of each other under `.build/` records; corpus.json is written last. Killed at any
moment, the same call goes on: finished shards are kept after a digest check, the rest is made.
"""

from __future__ import annotations

import fcntl
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lavida_gen import plugins
from lavida_gen.card import card
from lavida_gen.engine import Engine
from lavida_gen.errors import DataError, UserError, fault
from lavida_gen.manifest import MANIFEST, STATS, Manifest, ShardEntry, identity, manifest
from lavida_gen.pack import pack
from lavida_gen.plan import Deck, Range
from lavida_gen.recipe import Recipe
from lavida_gen.shards import PARTIAL, ShardFile, ShardWriter, digest, write_whole

STATE = ".build"
ENGINES = "lavida_gen.engines"

Progress = Callable[[int, int], None]
"""Called with (samples newly done, scenes newly dropped)."""


@dataclass(frozen=True, slots=True)
class Job:
    """One range of samples to make, as it travels to a worker."""

    recipe: Recipe
    corpus: str
    range: Range


@dataclass(frozen=True, slots=True)
class Made:
    """A finished range: its files, how many samples, the reasons of its drops. Its records lie in `.build/`."""

    name: str
    files: list[ShardFile]
    samples: int
    drops: dict[str, int]


_opened: dict[str, Deck] = {}


def _deck(recipe: Recipe) -> Deck:
    """The recipe's data, opened once in this process."""
    key = recipe.model_dump_json()
    if key not in _opened:
        _opened.clear()
        _opened[key] = Deck.open(recipe)
    return _opened[key]


def make(job: Job, tick: Callable[[], None]) -> Made:
    """Make one range of samples: its tars, then its record. Runs in any process."""
    deck, recipe_digest = _deck(job.recipe), job.recipe.digest()
    corpus, part = Path(job.corpus), job.range.part
    texts: list[str] = []
    drops: Counter[str] = Counter()
    with ShardWriter(corpus, job.range.name, job.recipe.shard.megabytes) as shard:
        for index in range(job.range.start, job.range.stop):
            packing = pack(deck, index, recipe_digest, part)
            file = shard.write(packing.sample)
            texts.append(packing.sample.text()[:-1] + f',"shard":{json.dumps(file)}' + "}")
            drops.update(packing.drops)
            tick()
    head = {"name": job.range.name, "files": [asdict(file) for file in shard.files], "drops": dict(drops)}
    record = f'{json.dumps(head)[:-1]},"rows":[{",".join(texts)}]}}'
    write_whole(_record_path(corpus, job.range.name), record.encode())
    return Made(job.range.name, shard.files, len(texts), dict(drops))


def build(
    recipe: Recipe,
    out: Path,
    workers: int = 1,
    engine: str = "local",
    progress: Progress = lambda done, dropped: None,
) -> Manifest:
    """Build the corpus of `recipe` in folder `out`, or go on with it.

    Raises UserError if `out` holds something else, DataError if data or disk fail (what is finished is kept).
    """
    deck = _deck(recipe)
    plan_digest = identity(deck)
    with _claimed(out, recipe, plan_digest) as finished:
        if finished is not None:
            return finished
        made: dict[str, Made] = {}
        todo: list[Range] = []
        for one in deck.ranges():
            kept = _kept(out, one)
            if kept is None:
                todo.append(one)
            else:
                made[kept.name] = kept
                progress(kept.samples, sum(kept.drops.values()))
        runner = plugins.find(ENGINES, Engine, engine)()
        jobs = [Job(recipe, str(out), one) for one in todo]
        for done in runner.run(make, jobs, workers, lambda n: progress(n, 0)):
            made[done.name] = done
            progress(0, sum(done.drops.values()))
        return _finish(deck, out, [made[one.name] for one in deck.ranges()])


def dry_run(recipe: Recipe) -> list[Range]:
    """The ranges that a build would make: opens the data, writes nothing."""
    return list(Deck.open(recipe).ranges())


# ---- the folder ------------------------------------------------------------------------------------------------


@contextmanager
def _claimed(out: Path, recipe: Recipe, plan_digest: str) -> Iterator[Manifest | None]:
    """Hold the folder for this build alone; yields the manifest if the corpus is there already, whole.

    Raises UserError if it belongs to another recipe, to another build that runs now, or to something else.
    """
    _refuse_foreign(out, recipe, plan_digest)
    state = out / STATE
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            fault(out, f"cannot be made ({error.strerror})", "a folder to write to", "give --out")
        ) from error
    with open(state / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(fault(out, "another build is writing here", todo="wait for it, or give --out")) from error
        try:
            if (out / MANIFEST).is_file():
                manifest = Manifest.model_validate_json((out / MANIFEST).read_bytes())
                if all(_is_whole(out, entry.file, entry.bytes, entry.sha256) for entry in manifest.shards):
                    shutil.rmtree(state)
                    yield manifest
                    return
                (out / MANIFEST).unlink()  # a damaged shard: it is no finished corpus any more
            write_whole(state / "plan.json", json.dumps({"name": recipe.name, "digest": plan_digest}).encode())
            for left in out.glob(f"*/*{PARTIAL}-*"):
                left.unlink(missing_ok=True)
            yield None
        finally:
            if not any((out / name).exists() for name in (MANIFEST, "image", "clip")):
                shutil.rmtree(state, ignore_errors=True)  # nothing was made: leave nothing


def _refuse_foreign(out: Path, recipe: Recipe, plan_digest: str) -> None:
    if out.exists() and not out.is_dir():
        raise UserError(fault(out, "is a file", "a folder for the corpus", "give another --out"))
    for file in (out / MANIFEST, out / STATE / "plan.json"):
        if not file.is_file():
            continue
        try:
            held = json.loads(file.read_bytes())
            name, held_digest = held["name"], held["digest"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                fault(file, "is no manifest of a corpus", todo="remove it, or give another --out")
            ) from error
        if held_digest != plan_digest:
            raise UserError(
                fault(
                    out,
                    f"holds a corpus of recipe {name!r} ({held_digest[:12]}), not of this one ({plan_digest[:12]}): "
                    f"recipe {recipe.name!r}, its data or the generator's version differ",
                    todo="give another --out, or remove the folder",
                )
            )
        return
    if out.is_dir() and any(entry.name != STATE for entry in out.iterdir()):
        raise UserError(fault(out, "is not empty and holds no corpus", "an empty or new folder", "give another --out"))


def _record_path(corpus: Path, name: str) -> Path:
    return corpus / STATE / f"{name.replace('/', '-')}.json"


def _is_whole(out: Path, file: str, size: int, sha256: str) -> bool:
    path = out / file
    return path.is_file() and path.stat().st_size == size and digest(path) == (size, sha256)


def _kept(out: Path, one: Range) -> Made | None:
    """A range that an earlier run finished, if its files are still what its record says."""
    path = _record_path(out, one.name)
    if not path.is_file():
        return None
    plain = json.loads(path.read_bytes())
    files = [ShardFile(**file) for file in plain["files"]]
    if not all(_is_whole(out, file.file, file.bytes, file.sha256) for file in files):
        return None
    return Made(plain["name"], files, len(plain["rows"]), plain["drops"])


def _finish(deck: Deck, out: Path, made: list[Made]) -> Manifest:
    """All shards are there: statistics, card, and last of all the manifest."""
    rows = [row for one in made for row in json.loads(_record_path(out, one.name).read_bytes())["rows"]]
    drops = sum((Counter(one.drops) for one in made), Counter[str]())
    shards = [
        ShardEntry(**asdict(file), kind=one.name.split("/")[0], split=one.name.split("/")[1].split("-")[0])
        for one in made
        for file in one.files
    ]
    whole = manifest(deck, shards, rows, drops)
    write_whole(out / STATS, _parquet(rows))
    write_whole(out / "README.md", card(whole).encode())
    write_whole(out / MANIFEST, whole.text())
    shutil.rmtree(out / STATE)
    return whole


def _parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows), buffer, compression="zstd")
        return buffer.getvalue()
    except pa.ArrowException as error:
        raise DataError(f"{STATS}: {error}") from error
