"""The pictures of a report: files beside the page, which a browser loads when they come into sight, or inside the page.

RUN/pictures/ENTRY/DIGEST.webp: a file is named by its content, so its name is safe and never means another picture.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from lavida_bench.evaluation.measure import VideoView
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.digests import sha256
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PICTURE, read_input

View = Mapping[str, object]
"""What a page shows of a video, as pictures/ENTRY.json holds it: "key", "timeline" and, of each thumbnail, "shots"."""
TODO = "remove it, or report again"
_NAME = re.compile(r"[0-9a-f]{16}\.webp")
_INSIDE = "data:image/"
"""Start of a picture that an older version stored in ENTRY.json itself."""
_KINDS = ("image", "map")


def write(folder: Path, views: Iterable[VideoView]) -> list[View]:
    """Write the pictures of an entry.

    Args:
        folder: RUN/pictures/ENTRY, made where it is missing.
        views: What the page shows of each video.

    Returns:
        The same with the names of the files, for ENTRY.json.

    Raises:
        DataError: The disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [
        {
            "key": view.key,
            "timeline": asdict(view.timeline),
            "shots": [
                {**asdict(shot), "image": _write(folder, shot.image), "map": shot.map and _write(folder, shot.map)}
                for shot in view.thumbnails
            ],
        }
        for view in views
    ]


def _write(folder: Path, picture: bytes) -> str:
    """The name of a picture's file, which is written unless it is there."""
    name = f"{sha256(picture)[:16]}.webp"
    if not (folder / name).is_file():
        write_atomic(folder / name, picture)
    return name


def remove_others(folder: Path, views: Sequence[View]) -> None:
    """Remove pictures that an entry had before it was measured again.

    Args:
        folder: RUN/pictures/ENTRY.
        views: What `write` returned.
    """
    used = {shot[kind] for view in views for shot in _shots(view) for kind in _KINDS}
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) and path.name not in used:
            path.unlink(missing_ok=True)


def with_sources(view: View, folder: Path, link: str | None, where: Path) -> View:
    """Replace the names of pictures by what a page shows: a relative link, or the picture itself.

    Args:
        view: What the page shows of a video, which somebody else may have written.
        folder: RUN/pictures/ENTRY.
        link: The folder as the page links to it, with a slash at its end; None to put pictures into the page.
        where: The file that holds `view`, for messages.

    Returns:
        The same with other values of "image" and "map".

    Raises:
        DataError: A name is none that `write` gives, or the file cannot be read.
    """
    shots = []
    for shot in _shots(view, where):
        sources = {kind: _source(shot.get(kind), folder, link, where) for kind in _KINDS}
        shots.append({**shot, **sources})
    return {**view, "shots": shots}


def _source(name: object, folder: Path, link: str | None, where: Path) -> str | None:
    if name is None or (isinstance(name, str) and name.startswith(_INSIDE)):
        return name
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DataError(problem(where, f"picture {str(name)[:60]!r}", "the name of a .webp by its digest", TODO))
    if link is not None:
        return link + name
    data = read_input(folder / name, MAX_PICTURE, "a picture of a report", "score again")
    return f"{_INSIDE}webp;base64,{base64.b64encode(data).decode()}"


def _shots(view: View, where: object = "") -> Iterator[Mapping[str, object]]:
    """The thumbnails of a video. Raises DataError if there is no list of them."""
    shots = view.get("shots", [])
    if not isinstance(shots, list) or not all(isinstance(shot, dict) for shot in shots):
        raise DataError(problem(where, "no list of what a report shows of each video", todo=TODO))
    yield from shots
