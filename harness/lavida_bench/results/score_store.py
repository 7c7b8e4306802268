"""Scores on disk: one folder for one model, prompt and protocol on one benchmark; one or two whole files per video.

    DIR/score.json             what made the scores
    DIR/videos/KEY.npz         frames (F,), scored (F,), boxes, box_frames, box_scores, fingerprint
    DIR/videos/KEY.maps.npy    (m, h, w) float16 or float32, the maps of the m scored frames; written before its npz

KEY is the video's key with "%" and "/" percent-encoded. A file under its final name is whole; one whose fingerprint
differs (another model, prompt, protocol, or another video) counts as absent. Letters: F frames of a video.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.media import Media, TruncatedVideo
from lavida_bench.videos.types import Bits, Detections, Floats, Maps, TestVideo, VideoScore
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common import arrays
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.json_file import read_json_object, write_json

FORMAT = 1
HEADER = "score.json"
MAPS = ".maps.npy"


class _Header(TypedDict):
    """The content of score.json."""

    format: int
    fingerprint: str
    about: dict[str, object]
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _StoredVideo:
    """The content of KEY.npz."""

    frames: Floats
    scored: Bits
    has_maps: bool
    detections: Detections | None


class ScoreStore:
    """Scores of the videos of one benchmark.

    Attributes:
        folder: Where they are.
        identity: What made them, as plain JSON. Scores are reused only if it is equal.
        fingerprint: SHA-256 of the identity.
    """

    def __init__(self, folder: Path, identity: Mapping[str, object]) -> None:
        self.folder, self.identity = folder, dict(identity)
        self.fingerprint = sha256_json(self.identity)

    @classmethod
    def create(cls, folder: Path, identity: Mapping[str, object], replace: bool = False) -> ScoreStore:
        """Open a folder to write scores to.

        Args:
            folder: The folder, made where it is missing.
            identity: What makes the scores, as plain JSON.
            replace: Whether scores that something else made may be replaced.

        Returns:
            The store.

        Raises:
            UserError: The folder holds scores that something else made.
            DataError: The folder cannot be made.
        """
        store = cls(folder, identity)
        header = _read_header(folder / HEADER) if (folder / HEADER).is_file() else None
        if header is not None and header["fingerprint"] != store.fingerprint and not replace:
            old = header["about"]
            keys = ", ".join(sorted(key for key in {*identity, *old} if identity.get(key) != old.get(key)))
            todo = "give another --out, or --replace"
            raise UserError(problem(folder, f"holds scores made otherwise (differs: {keys})", "an empty folder", todo))
        try:
            (folder / "videos").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(problem(folder, f"cannot be made ({error.strerror})", "a folder to write to")) from error
        return store

    @classmethod
    def open(cls, folder: Path) -> ScoreStore:
        """Open a folder of scores.

        Args:
            folder: The folder.

        Returns:
            The store.

        Raises:
            DataError: The folder has no score.json, or it cannot be read.
        """
        return cls(folder, _read_header(folder / HEADER)["about"])

    def write_header(self, seconds: Mapping[str, float] | None = None) -> None:
        """Write score.json.

        Args:
            seconds: Busy seconds by stage of a finished scoring; None before the end.
        """
        plain = {"format": FORMAT, "fingerprint": self.fingerprint, "about": self.identity, "seconds": seconds or {}}
        write_json(self.folder / HEADER, plain)

    def seconds(self) -> dict[str, float]:
        """Busy seconds by stage of the last finished scoring, {} before. Raises DataError."""
        return _read_header(self.folder / HEADER)["seconds"]

    def path(self, key: str, suffix: str = ".npz") -> Path:
        """The file of a video.

        Args:
            key: The video's key.
            suffix: ``.npz`` for its scores, MAPS for its pixel maps.

        Returns:
            The path, whether or not the file exists.
        """
        return self.folder / "videos" / (key.replace("%", "%25").replace("/", "%2F") + suffix)

    def video_fingerprint(self, video: TestVideo) -> str:
        """Digest of what determines the scores of a video: the store's identity and the video as it is on disk."""
        parts = [self.fingerprint, video.frame_count, list(video.size), list(video.names), _files(video.reader)]
        return sha256_json(parts)

    def has(self, video: TestVideo, maps: bool = False) -> bool:
        """Whether the store has the scores of a video as it is on disk now.

        Args:
            video: The video.
            maps: Whether its pixel maps must be there too, if the method gives maps.

        Returns:
            True if nothing needs to be scored.
        """
        stored = self._load(video)
        return stored is not None and (not maps or stored.has_maps or stored.detections is None)

    def read(self, video: TestVideo) -> VideoScore | None:
        """Read the scores of a video.

        Args:
            video: The video.

        Returns:
            Its scores, None if there are none. Pixel maps are read on access.
        """
        stored = self._load(video)
        if stored is None:
            return None
        pixels = _StoredPixels(self.path(video.key, MAPS), stored.scored) if stored.has_maps else None
        scored = None if stored.scored.all() else stored.scored
        return VideoScore(video.key, stored.frames, scored, pixels, stored.detections)

    def _load(self, video: TestVideo) -> _StoredVideo | None:
        try:
            with arrays.open_archive(self.path(video.key)) as file:
                content = {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # absent or damaged: the video is scored again
        if str(content.get("fingerprint")) != self.video_fingerprint(video):
            return None
        if content["maps"] and not self.path(video.key, MAPS).is_file():
            return None
        detections = None
        if "boxes" in content:
            detections = Detections(content["box_frames"], content["boxes"], content["box_scores"])
        return _StoredVideo(content["frames"], content["scored"], bool(content["maps"]), detections)


class _StoredPixels:
    """Maps of a video from its file, at the size in which they were stored; maps of frames without a score are 0."""

    def __init__(self, path: Path, scored: Bits) -> None:
        self.path, self.scored = path, scored
        self.rows = np.cumsum(scored) - 1

    def __call__(self, start: int, stop: int) -> Maps:
        stored = arrays.load_array(self.path, "r")
        maps = np.zeros((stop - start, *stored.shape[1:]), stored.dtype)
        inside = self.scored[start:stop]
        maps[inside] = stored[self.rows[start:stop][inside]]
        return maps


def _files(reader: object) -> list[tuple[str, int]]:
    """Names and sizes in bytes of a video's files. A changed file has almost always another size."""
    media = reader if isinstance(reader, Media) else None
    while isinstance(media, TruncatedVideo):
        media = media.whole
    if isinstance(media, VideoFile):
        return [(media.path.name, media.path.stat().st_size)]
    if isinstance(media, FrameFolder):
        return [(path.name, path.stat().st_size if path.is_file() else -1) for path in media.files.values()]
    return []


def _read_header(path: Path) -> _Header:
    header = read_json_object(path, "what `lavida-bench score` wrote", "remove the folder and score again")
    got = header.get("format")
    if got != FORMAT or not {"fingerprint", "about", "seconds"} <= header.keys():
        raise DataError(problem(path, f"format {got!r}", f"{FORMAT}, whole", "remove the folder and score again"))
    return _Header(format=got, fingerprint=header["fingerprint"], about=header["about"], seconds=header["seconds"])
