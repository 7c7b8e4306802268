"""Data sets with files that are meant to exhaust or confuse their source: errors that name a file, or fewer scenes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import miniatures
import pytest
from tests.gen.test_hostile_pictures import grey_png

from lavida_gen.common import plugins
from lavida_gen.common.errors import DataError, LavidaGenError
from lavida_gen.config.recipe import SOURCES
from lavida_gen.sources._base import Source, SourceOptions

DEEP = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))


def walk(name: str, options: dict[str, object]) -> None:
    """Open a source and read all that it has; errors for users are what is expected."""
    cls: type[Source[SourceOptions]] = plugins.find(SOURCES, Source, name)
    try:
        source = cls(cls.Options.model_validate(options))
        list(source.findings())
        source.vocabulary()
    except LavidaGenError:
        return
    for number in range(len(source)):
        try:
            for frame in source.scene(number).frames:
                frame.jpeg()
        except DataError:
            continue


def numbers(other: str) -> Callable[[str], str]:
    """Each number of a text is something else."""
    return lambda text: re.sub(r"(?<=[\[ ,:])-?\d+(\.\d+)?(?=[\],} \n])", other, text)


def halves(text: str) -> str:
    """Each text is half of a surrogate pair, which no file in UTF-8 holds."""
    return re.sub(r'(?<=: )"[^"]*"', r'"\\ud800"', text)


def rewritten(change: Callable[[str], str]) -> Callable[[Path], object]:
    def attack(path: Path) -> None:
        text = change(path.read_text("utf-8", "replace"))
        path.unlink()
        path.write_text(text)

    return attack


def replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def attack(path: Path) -> None:
        path.unlink()
        make(path)

    return attack


ANYTHING = {
    "fifo": replaced(os.mkfifo),
    "device": replaced(lambda path: path.symlink_to("/dev/zero")),
    "folder": replaced(Path.mkdir),
    "loop": replaced(lambda path: path.symlink_to(path.name)),
    "empty": replaced(Path.touch),
}
TEXT = {
    "deep": rewritten(lambda text: DEEP),
    "infinite": rewritten(numbers("1e999")),
    "huge": rewritten(numbers("1" + "0" * 30)),
    "odd": rewritten(numbers("[[]]")),
    "halves": rewritten(halves),
    "list": rewritten(lambda text: "[1]"),
    "latin-1": replaced(lambda path: path.write_bytes(b'{"a": "\xff"}')),
}
PICTURE = {"bomb": replaced(lambda path: path.write_bytes(grey_png(30_000, 30_000)))}
KINDS = {".json": TEXT, ".txt": TEXT, ".yaml": TEXT, ".csv": TEXT, ".png": PICTURE, ".jpg": PICTURE, ".mp4": PICTURE}


@pytest.mark.parametrize("name", [name for name in miniatures.names() if name not in ("hf", "street")])
def test_a_source_with_a_hostile_file(name: str, tmp_path: Path) -> None:
    root = tmp_path / "data"
    options = miniatures.draw(name, root)
    files = sorted(path for path in root.rglob("*") if path.is_file())
    first = {(path.suffix, path.name if path.suffix in (".json", ".txt") else ""): path for path in reversed(files)}
    for (suffix, _), file in first.items():
        content = file.read_bytes()
        for attack in (ANYTHING | KINDS.get(suffix, {})).values():
            attack(file)
            walk(name, options)
            file.rmdir() if file.is_dir() else file.unlink()
            file.write_bytes(content)


@pytest.mark.parametrize(
    ("folder", "file", "name", "place"),
    [
        ("D3-json-deep-inf", "davis_semantics.json", "davis", "davis_semantics.json"),
        ("D3-json-deep-inf", "sav_000001_manual.json", "sa_v", "sav_000/sav_000001_manual.json"),
        ("F06-hf-saved", "dataset_info.json", "hf", "dataset_info.json"),
        ("F07-mevis-size", "mask_dict.json", "mevis", "train/mask_dict.json"),
    ],
)
def test_stored_cases(folder: str, file: str, name: str, place: str, tmp_path: Path, shared_data: Path) -> None:
    case = shared_data / "cases" / "damaged" / folder / file
    if not case.is_file():
        pytest.skip(f"no {case}")
    if name == "hf":
        pytest.importorskip("datasets")
    options = miniatures.draw(name, tmp_path / "data")
    assert (tmp_path / "data" / place).is_file()
    shutil.copyfile(case, tmp_path / "data" / place)
    cls: type[Source[SourceOptions]] = plugins.find(SOURCES, Source, name)
    with pytest.raises(LavidaGenError) as caught:
        source = cls(cls.Options.model_validate(options))
        errors = [finding.text for finding in source.findings()]
        list(map(source.scene, range(len(source))))
        raise DataError("; ".join(errors))
    assert str(tmp_path / "data") in str(caught.value)
