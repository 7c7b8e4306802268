"""Scores on disk: one folder for one model, prompt and protocol on one benchmark; one or two whole files a video.

    DIR/score.json             what made the scores
    DIR/videos/KEY.npz         frames (F,), scored (F,), boxes, box_frames, box_scores, fingerprint
    DIR/videos/KEY.maps.npy    (m, h, w) float16, the maps of the m scored frames; it comes before its npz

KEY is the video's key with "%" and "/" percent-encoded. A file under its final name is whole; one whose fingerprint
differs (another model, prompt, protocol, another video) counts as absent.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lavida_bench.videos import regions
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.media import Media, Part
from lavida_bench.videos.types import Bits, Detections, Maps, TestVideo, VideoScore
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common import arrays
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.corpus.shards import write_whole
from lavida_gen.storage import cache

FORMAT = 1
ABOUT = "score.json"
MAPS = ".maps.npy"


class ScoreStore:
    """Scores of the videos of one benchmark. `about` is plain JSON and decides whether scores may be reused."""

    def __init__(self, folder: Path, about: Mapping[str, Any]) -> None:
        self.folder, self.about = folder, dict(about)
        self.fingerprint = digest(self.about)

    @classmethod
    def create(cls, folder: Path, about: Mapping[str, Any], replace: bool = False) -> ScoreStore:
        """Opens a folder for these scores, made where it is missing.

        Raises UserError for a folder with scores of something else, unless they may be replaced.
        """
        store = cls(folder, about)
        found = _read(folder / ABOUT) if (folder / ABOUT).is_file() else None
        if found is not None and found["fingerprint"] != store.fingerprint and not replace:
            odd = ", ".join(sorted(k for k in {*about, *found["about"]} if about.get(k) != found["about"].get(k)))
            todo = "give another --out, or --replace"
            raise UserError(problem(folder, f"holds scores made otherwise (differs: {odd})", "an empty folder", todo))
        try:
            (folder / "videos").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(problem(folder, f"cannot be made ({error.strerror})", "a folder to write to")) from error
        return store

    @classmethod
    def open(cls, folder: Path) -> ScoreStore:
        """A folder that is there. Raises DataError."""
        return cls(folder, _read(folder / ABOUT)["about"])

    def note(self, seconds: Mapping[str, float] | None = None) -> None:
        """Writes score.json."""
        plain = {"format": FORMAT, "fingerprint": self.fingerprint, "about": self.about, "seconds": seconds or {}}
        write_whole(self.folder / ABOUT, (json.dumps(plain, indent=1, ensure_ascii=False) + "\n").encode())

    def seconds(self) -> dict[str, float]:
        """Busy seconds by stage of the last finished scoring, {} before. Raises DataError."""
        found: dict[str, float] = _read(self.folder / ABOUT)["seconds"]
        return found

    def path(self, key: str, suffix: str = ".npz") -> Path:
        """The file of a video."""
        return self.folder / "videos" / (key.replace("%", "%25").replace("/", "%2F") + suffix)

    def mark(self, video: TestVideo) -> str:
        """Fingerprint of these scores of this video as it is on disk."""
        return digest([self.fingerprint, video.frame_count, list(video.size), list(video.names), _files(video.reader)])

    def has(self, video: TestVideo, maps: bool = False) -> bool:
        """Whether whole scores of this video, as it is now, are there; with `maps` also its pixel maps."""
        found = self._arrays(video)
        return found is not None and (not maps or bool(found["maps"]) or "boxes" not in found)

    def read(self, video: TestVideo) -> VideoScore | None:
        """The scores of a video, None if there are none; pixel maps are read when they are asked for."""
        found = self._arrays(video)
        if found is None:
            return None
        scored = found["scored"]
        detections = None
        if "boxes" in found:
            detections = Detections(found["box_frames"], found["boxes"], found["box_scores"])
        pixels = _Pixels(self.path(video.key, MAPS), scored, video.size) if found["maps"] else None
        return VideoScore(video.key, found["frames"], None if scored.all() else scored, pixels, detections)

    def _arrays(self, video: TestVideo) -> dict[str, Any] | None:
        try:
            with arrays.archive(self.path(video.key)) as file:
                found = {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # not there, or damaged by somebody: made again
        if str(found.get("fingerprint")) != self.mark(video):
            return None
        return None if found["maps"] and not self.path(video.key, MAPS).is_file() else found


class _Pixels:
    """Maps of a video from its file, enlarged to the video's size while they are read; frames not scored are 0."""

    def __init__(self, path: Path, scored: Bits, size: tuple[int, int]) -> None:
        self.path, self.scored, self.size = path, scored, size
        self.rows = np.cumsum(scored) - 1

    def __call__(self, start: int, stop: int) -> Maps:
        maps = arrays.load(self.path, "r")
        made = np.zeros((stop - start, *self.size), np.float16)
        for frame in range(start, stop):
            if self.scored[frame]:
                made[frame - start] = regions.enlarge(maps[self.rows[frame]], self.size)
        return made


def digest(plain: object) -> str:
    """SHA-256 of plain JSON."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _files(reader: object) -> list[tuple[str, int]]:
    """Names and sizes of the files that a video is read from: who changed one has changed its size, nearly always."""
    media = reader if isinstance(reader, Media) else None
    while isinstance(media, Part):
        media = media.whole
    if isinstance(media, VideoFile):
        return [(media.path.name, media.path.stat().st_size)]
    if isinstance(media, FrameFolder):
        return [(path.name, path.stat().st_size if path.is_file() else -1) for path in media.files.values()]
    return []


def _read(path: Path) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(problem(path, f"cannot be read ({error})", "what `lavida-bench score` wrote")) from error
    got = plain.get("format") if isinstance(plain, dict) else plain
    if got != FORMAT or not {"fingerprint", "about", "seconds"} <= plain.keys():
        raise DataError(problem(path, f"format {got!r}", f"{FORMAT}, whole", "remove the folder and score again"))
    return plain


PARTS = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja")


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of a model's files, each read once and then remembered. Raises DataError."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in PARTS)
    return digest([(path.relative_to(folder).as_posix(), cache.file_digest(path)) for path in files])
