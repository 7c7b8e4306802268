"""Digests of what a number was made of: scores, labels and prompt. `compare` refuses numbers whose parts have changed.

Pixel maps and masks are left out: they would have to be read again. A changed map file changes the run, not its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from lavida_bench.videos.types import TestVideo, VideoScore

SCORES, LABELS, PROMPT = "scores", "labels", "prompt"


class ScoreFingerprint:
    """A digest of the scores of videos, one after the other."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def update(self, score: VideoScore) -> None:
        """Add the frame scores and regions of a video.

        Args:
            score: The scores.
        """
        parts = [score.key.encode(), score.frames.tobytes()]
        if score.scored is not None:
            parts.append(score.scored.tobytes())
        if score.detections is not None:
            parts += [score.detections.frames.tobytes(), score.detections.boxes.tobytes()]
            parts.append(score.detections.scores.tobytes())
        for part in parts:
            self._digest.update(len(part).to_bytes(8, "little") + part)

    def value(self) -> str:
        """64 hexadecimal digits."""
        return self._digest.hexdigest()


def fingerprint_labels(videos: Iterable[TestVideo]) -> str:
    """Digest what videos are measured against: frame labels and tracks.

    Args:
        videos: The test videos.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for video in videos:
        tracks = video.tracks or ()
        digest.update(repr((video.key, [track.name for track in tracks])).encode())
        digest.update(b"-" if video.frame_labels is None else video.frame_labels.tobytes())
        digest.update(b"" if video.measured is None else video.measured.tobytes())
        for track in tracks:
            digest.update(track.frames.tobytes())
            digest.update(track.boxes.tobytes())
    return digest.hexdigest()
