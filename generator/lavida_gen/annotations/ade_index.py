"""What all JSON files of the full ADE20K release state, without their masks: read once, kept in the cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lavida_gen.annotations import ade_json, files
from lavida_gen.annotations.ade_json import AdeClass
from lavida_gen.common.digests import sha256, sha256_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_TEXT
from lavida_gen.common.text import counted
from lavida_gen.scenes.scene import Name
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedTexts

VERSION = 2


@dataclass(frozen=True, slots=True)
class AdeIndex:
    """The scenes of a split.

    Attributes:
        names: Paths of the JSON files below the split, without ``.json``.
        vocabulary: All classes by their usual word, sorted.
        synonyms: Usual word -> the other words of its classes, but for those that are the usual word of another one
            ("wheel" of a bicycle).
        parts: Usual word -> the usual words of everything that is a part of such a thing somewhere, sorted.
        broken: Messages about JSON files that are broken; they are among `names`.
        notes: Messages about what is odd, but harmless.
        digest: Digest of the JSON files.
    """

    names: list[str]
    vocabulary: list[Name]
    synonyms: dict[str, list[str]]
    parts: dict[str, list[str]]
    broken: list[str]
    notes: list[str]
    digest: str


_TEXTS = ("classes", "synsets", "groups", "parts", "broken", "notes", "digest")


def open_index(folder: Path) -> AdeIndex:
    """Open the index of a split; the first call, and one after a file was changed, makes it.

    Args:
        folder: images/ADE/training or images/ADE/validation.

    Returns:
        The index.

    Raises:
        DataError: There is no JSON below the folder.
    """
    names = files.list_files(folder, ".json")
    if not names:
        todo = "fetch the release of 2021, which has a JSON beside each picture"
        raise DataError(problem(folder, "has no *.json", "NAME.json, NAME.jpg and NAME_seg.png", todo))
    parts = [str(folder.resolve()), *files.marks(folder, names, ".json")]
    arrays = cache.cached_arrays("ade20k_full", VERSION, parts, lambda: _read(folder, names))
    texts = {key: PackedTexts(arrays[key], arrays[f"{key}_at"])[:] for key in _TEXTS}
    vocabulary, synonyms = _vocabulary(texts["classes"], texts["synsets"], texts["groups"])
    parts_of = _parts(zip(texts["parts"][::2], texts["parts"][1::2], strict=True))
    return AdeIndex(names, vocabulary, synonyms, parts_of, texts["broken"], texts["notes"], texts["digest"][0])


def _vocabulary(classes: list[str], synsets: list[str], groups: list[str]) -> tuple[list[Name], dict[str, list[str]]]:
    """Names by the usual word of classes, and their other words. Two classes of one word share it, without a synset."""
    found: dict[str, Name] = {}
    others: dict[str, list[str]] = {}
    for full, synset, group in zip(classes, synsets, groups, strict=True):
        text, *more = AdeClass(full, ()).synonyms
        name = Name(text, text, group, synset, full if full != text else "")
        known = found.setdefault(text, name)
        if known.synset != synset:
            found[text] = Name(text, text)
        others.setdefault(text, []).extend(more)
    distinct = {text: [word for word in words if word not in found] for text, words in others.items()}
    return [found[text] for text in sorted(found)], {text: words for text, words in distinct.items() if words}


def _parts(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Whole -> parts and parts of parts, of (part, whole)."""
    direct: dict[str, set[str]] = {}
    for part, whole in pairs:
        direct.setdefault(whole, set()).add(part)
    found = {}
    for whole in direct:
        reached, remaining = set[str](), [whole]
        while remaining:
            new = direct.get(remaining.pop(), set()) - reached
            reached |= new
            remaining += new
        found[whole] = sorted(reached - {whole})
    return found


def _read(folder: Path, names: list[str]) -> Arrays:
    classes, digests, broken, latin1 = set[AdeClass](), list[str](), list[str](), 0
    parts = set[tuple[str, str]]()
    for name in names:
        path = files.as_written(folder / f"{name}.json")
        try:
            digests.append(f"{name} {sha256_file(path, MAX_TEXT)}")
            file = ade_json.read(path)
        except OSError as error:
            raise DataError(problem(path, f"cannot be read ({error.strerror})", "a JSON of ADE20K")) from error
        except DataError as error:
            broken.append(str(error))
            continue
        classes.update(own for own in file.classes.values() if own.synonyms)
        texts_of = {number: own.synonyms[0] for number, own in file.classes.items() if own.synonyms}
        parts.update(
            (texts_of[part], texts_of[whole]) for part, whole in file.parts if {part, whole} <= texts_of.keys()
        )
        latin1 += file.is_latin1
    distinct = sorted(classes, key=lambda own: (own.name, own.hypernyms))
    texts = {
        "classes": [own.name for own in distinct],
        "synsets": [own.synset() for own in distinct],
        "groups": [own.group for own in distinct],
        "parts": [text for pair in sorted(parts) for text in pair],
        "broken": broken,
        "notes": [f"{counted(latin1, 'JSON file')} in Latin-1 instead of UTF-8"] if latin1 else [],
        "digest": [sha256("\n".join(digests))],
    }
    made: Arrays = {}
    for key, column in texts.items():
        made[key], made[f"{key}_at"] = PackedTexts.pack(column)
    return made
