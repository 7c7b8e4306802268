"""Make data/wordnet.npz from the nouns of WordNet 3.0, as Debian's package wordnet-base has them.

    apt-get download wordnet-base && dpkg -x wordnet-base_*.deb wn
    python -m lavida_gen.names.make_wordnet wn/usr/share/wordnet

The file that ships is this script's output: lemmas, senses, hypernyms and part holonyms of nouns. Glosses, verbs,
adjectives and proper names (instances) are left out. WordNet's licence stands beside it (data/wordnet-licence.txt).
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.common.resources import resource

HYPERNYM, INSTANCE, PART_OF = "@", "@i", "#p"
"""Pointer symbols of wninput(5WN); #p points from a part to its whole."""
LEFT_OUT = 2**32 - 1
"""Stands for a sense that is a proper name, so that the others keep their numbers (``fig.n.04``)."""


class Synset:
    """One line of data.noun: its lexicographer file, lemmas in lower case, and pointers as (symbol, offset)."""

    def __init__(self, line: str) -> None:
        fields = line.partition(" | ")[0].split()
        self.offset = int(fields[0])
        self.file = int(fields[1])
        count = int(fields[3], 16)
        self.lemmas = [fields[4 + 2 * number].lower().replace("_", " ") for number in range(count)]
        self.ids = [int(fields[5 + 2 * number], 16) for number in range(count)]
        start = 4 + 2 * count
        pointers = fields[start + 1 : start + 1 + 4 * int(fields[start])]
        self.pointers = [
            (symbol, int(offset))
            for symbol, offset, kind in zip(pointers[::4], pointers[1::4], pointers[2::4], strict=True)
            if kind == "n"
        ]

    @property
    def is_instance(self) -> bool:
        """Whether it is a proper name: an instance of something, not a kind of it."""
        return any(symbol == INSTANCE for symbol, _ in self.pointers)


def _synsets(folder: Path) -> dict[int, Synset]:
    lines = (folder / "data.noun").read_text("ascii").splitlines()
    synsets = (Synset(line) for line in lines if not line.startswith(" "))
    return {synset.offset: synset for synset in synsets if not synset.is_instance}


def _senses(folder: Path, kept: dict[int, Synset]) -> dict[str, list[int]]:
    """Offsets of each lemma's senses, in WordNet's own order (the most frequent first)."""
    found = {}
    for line in (folder / "index.noun").read_text("ascii").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split()
        pointers = int(fields[3])
        offsets = [int(offset) for offset in fields[6 + pointers :]]
        if any(offset in kept for offset in offsets):
            found[fields[0].replace("_", " ")] = offsets
    return found


def _tags(folder: Path, kept: dict[int, Synset]) -> dict[tuple[str, int], int]:
    """How often a sense was seen in WordNet's tagged texts, by (lemma, offset)."""
    offsets = {
        (lemma, synset.file, number): synset.offset
        for synset in kept.values()
        for lemma, number in zip(synset.lemmas, synset.ids, strict=True)
    }
    found = {}
    for line in (folder / "cntlist.rev").read_text("ascii").splitlines():
        key, _, count = line.split()
        lemma, _, sense = key.partition("%")
        kind, file, number, *_ = sense.split(":")
        place = (lemma.replace("_", " "), int(file), int(number))
        if kind == "1" and place in offsets:
            found[place[0], offsets[place]] = int(count)
    return found


def _rows(rows: list[list[int]]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Lists of numbers as (where each begins, and where the last ends; all numbers in a row)."""
    starts = np.cumsum([0, *map(len, rows)]).astype(np.uint32)
    return starts, np.array([number for row in rows for number in row], np.uint32)


def make(folder: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of the file.

    Args:
        folder: Where data.noun, index.noun and cntlist.rev lie.

    Returns:
        names: lemmas in lower case with blanks, sorted, joined by line breaks, UTF-8 bytes;
        sense_starts, senses: synset numbers of each lemma, LEFT_OUT for proper names;
        tags: uint16, how often each of these senses was tagged;
        files: uint8, lexicographer file of each synset;
        parent_starts, parents: hypernyms; whole_starts, wholes: what a synset is a part of;
        source: SHA-256 of data.noun, bytes.
    """
    kept = _synsets(folder)
    number = {offset: place for place, offset in enumerate(sorted(kept))}
    senses, tags = _senses(folder, kept), _tags(folder, kept)
    lemmas = sorted(senses)

    def targets(symbol: str) -> list[list[int]]:
        return [
            [number[target] for kind, target in kept[offset].pointers if kind == symbol and target in number]
            for offset in number
        ]

    sense_starts, sense_numbers = _rows(
        [[number.get(offset, LEFT_OUT) for offset in senses[lemma]] for lemma in lemmas]
    )
    parent_starts, parents = _rows(targets(HYPERNYM))
    whole_starts, wholes = _rows(targets(PART_OF))
    counts = [min(tags.get((lemma, offset), 0), 65535) for lemma in lemmas for offset in senses[lemma]]
    digest = hashlib.sha256((folder / "data.noun").read_bytes()).hexdigest()
    return {
        "names": np.frombuffer("\n".join(lemmas).encode(), np.uint8),
        "sense_starts": sense_starts,
        "senses": sense_numbers,
        "tags": np.array(counts, np.uint16),
        "files": np.array([kept[offset].file for offset in number], np.uint8),
        "parent_starts": parent_starts,
        "parents": parents,
        "whole_starts": whole_starts,
        "wholes": wholes,
        "source": np.frombuffer(digest.encode(), np.uint8),
    }


if __name__ == "__main__":
    arrays = make(Path(sys.argv[1]))
    np.savez_compressed(resource("wordnet.npz"), allow_pickle=False, **arrays)
    print(f"{resource('wordnet.npz')}: {resource('wordnet.npz').stat().st_size:,} bytes")
