"""Pairs of a picture and a name that a corpus lists as absent from it: drawn by a seed, judged by eye, counted.

A pair is drawn before anybody looks: the file holds the seed, the digest of each recipe, the generator's version and a
digest of the pairs, so that none can be left out or exchanged afterwards. Letters of `wilson`: n pairs, k wrong ones.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from math import sqrt
from pathlib import Path

import numpy as np

from label_truth.check import PLAIN_NAMES, UNTOUCHED
from label_truth.samples import StoredSample, manifest, read_samples

VERDICTS = ("absent", "present", "doubtful")
"""What may be entered; everything but "absent" counts as wrong."""
EXPOSURES = PLAIN_NAMES & UNTOUCHED


@dataclass(frozen=True)
class Pair:
    """A picture and a name that is listed as absent from it.

    Attributes:
        key: Number of the pair in its file.
        picture: Number of the picture on the sheets.
        name: The name as the prompt lists it.
        evidence: The class of evidence that the corpus claims.
        source: The data set.
        scene: Its scene.
        sample: Number of the sample that lists the name.
        verdict: What is seen: absent, present or doubtful; "" before.
        note: A remark.
    """

    key: str
    picture: str
    name: str
    evidence: str
    source: str
    scene: str
    sample: str
    verdict: str = ""
    note: str = ""


COLUMNS = tuple(field.name for field in fields(Pair))


@dataclass(frozen=True)
class Drawn:
    """The pairs of one drawing.

    Attributes:
        head: How they were drawn: lines such as "seed 18".
        pairs: The pairs, in the order of their pictures.
    """

    head: tuple[str, ...]
    pairs: tuple[Pair, ...]


Listing = tuple[Pair, StoredSample]
"""A pair without numbers, and the sample that lists the name."""


def draw(corpora: dict[str, Path], wanted: dict[str, int], seed: int) -> tuple[Drawn, dict[str, StoredSample]]:
    """Draw pairs of each corpus, no pair of scene and name twice.

    Args:
        corpora: Folders of corpora by data set.
        wanted: How many pairs of each (of a corpus of several sources: of each source); fewer are drawn where a
            corpus lists no more.
        seed: The seed.

    Returns:
        The pairs, and for each number of a picture the sample that shows it.
    """
    pairs: list[Pair] = []
    shown: dict[str, StoredSample] = {}
    head = [f"seed {seed}"]
    for source, corpus in corpora.items():
        listings = _listings(corpus, source)
        recipe = listings[0][1].record["recipe"] if listings else "lists nothing"
        head.append(f"{source}: lavida-gen {manifest(corpus)['generator']}, recipe {recipe}")
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, len(head)))))
        pictures: dict[str, str] = {}
        for pair, sample in _choose(listings, wanted[source], rng):
            if pair.scene not in pictures:
                pictures[pair.scene] = str(len(shown) + 1)
                shown[pictures[pair.scene]] = sample
            pairs.append(replace(pair, key=str(len(pairs) + 1), picture=pictures[pair.scene]))
    return Drawn((*head, f"pairs {digest(pairs)}"), tuple(pairs)), shown


def _choose(listings: Sequence[Listing], wanted: int, rng: np.random.Generator) -> list[Listing]:
    """Choose `wanted` pairs of each source, in the order of their pictures.

    Every listing is equally likely, but scenes are taken a quarter of `wanted` at a time, at random: looking at a
    picture takes longer than judging one more name in it.
    """
    scenes = sorted({pair.scene for pair, _ in listings})
    rank = dict(zip(scenes, rng.permutation(len(scenes)).tolist(), strict=True))
    order = rng.permutation(len(listings)).tolist()
    order.sort(key=lambda number: rank[listings[number][0].scene] // max(8, wanted // 4))
    chosen: dict[tuple[str, str], Listing] = {}
    counts: Counter[str] = Counter()
    for pair, sample in (listings[number] for number in order):
        if counts[pair.source] < wanted and (pair.scene, pair.name) not in chosen:
            chosen[pair.scene, pair.name] = pair, sample
            counts[pair.source] += 1
    return sorted(chosen.values(), key=lambda row: (row[0].source, row[0].scene))


def _listings(corpus: Path, source: str) -> list[Listing]:
    """Every absent name of every sample whose pixels and names are as the data set has them."""
    found = []
    is_mixed = len({entry["name"] for entry in manifest(corpus)["sources"]}) > 1
    for sample in read_samples(corpus):
        record = sample.record
        rows = zip(record["names"], record["labels"], record["evidence"], strict=True)
        if record["exposure"] in EXPOSURES:
            for name, label, evidence in rows:
                if not label:
                    own = f"{source}: {record['source']}" if is_mixed else source
                    pair = Pair("", "", name, evidence, own, record["scene"], str(record["index"]))
                    found.append((pair, sample))
    return found


def digest(pairs: Iterable[Pair]) -> str:
    """SHA-256 of what was drawn, whatever the verdicts."""
    rows = [[getattr(pair, name) for name in COLUMNS if name not in ("verdict", "note")] for pair in pairs]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def write(drawn: Drawn) -> str:
    """The pairs as a table with tabs, below their head."""
    stream = io.StringIO()
    stream.writelines(f"# {line}\n" for line in drawn.head)
    table = csv.writer(stream, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar="\\")
    table.writerow(COLUMNS)
    table.writerows([getattr(pair, name) for name in COLUMNS] for pair in drawn.pairs)
    return stream.getvalue()


def read(text: str) -> Drawn:
    """Read what `write` wrote, with verdicts filled in.

    Raises:
        ValueError: A pair was changed, added or removed since the drawing.
    """
    lines = text.splitlines()
    head = tuple(line.removeprefix("# ") for line in lines if line.startswith("# "))
    body = [line for line in lines if line.strip() and not line.startswith("# ")]
    rows = csv.DictReader(body, delimiter="\t", quoting=csv.QUOTE_NONE, escapechar="\\", restval="")
    pairs = tuple(Pair(**{name: (row.get(name) or "").strip() for name in COLUMNS}) for row in rows)
    if f"pairs {digest(pairs)}" not in head:
        raise ValueError("the pairs are not those that were drawn: a row was changed, added or removed")
    return Drawn(head, pairs)


@dataclass(frozen=True)
class Rate:
    """Of a group of pairs: how many there are, how many of them are wrong."""

    pairs: int
    wrong: int

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share of wrong ones."""
        return wilson(self.wrong, self.pairs)


def wilson(wrong: int, pairs: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's score interval (JASA 1927) of a share.

    Args:
        wrong: k.
        pairs: n, at least 1.
        z: Quantile of the normal distribution; 95 % by default.

    Returns:
        Both ends, 0 to 1.
    """
    share = wrong / pairs
    centre = (share + z * z / (2 * pairs)) / (1 + z * z / pairs)
    half = z / (1 + z * z / pairs) * sqrt(share * (1 - share) / pairs + z * z / (4 * pairs * pairs))
    return max(0.0, centre - half), min(1.0, centre + half)


def rate(pairs: Sequence[Pair]) -> Rate:
    """Count the wrong ones; doubtful is wrong.

    Raises:
        ValueError: A verdict is missing, or is none.
    """
    for pair in pairs:
        if pair.verdict not in VERDICTS:
            got = repr(pair.verdict) if pair.verdict else "nothing"
            raise ValueError(f"pair {pair.key} ({pair.name!r}): verdict is {got}; expected {', '.join(VERDICTS)}")
    return Rate(len(pairs), sum(pair.verdict != "absent" for pair in pairs))
