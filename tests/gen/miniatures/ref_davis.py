"""Ref-DAVIS: as Ref-YouTube-VOS, every frame annotated, meta.json without frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import ref_youtube_vos, shapes, youtube_vos


def draw(root: Path) -> dict[str, Any]:
    videos = youtube_vos.frames(root, dense=True)
    shapes.write(
        root / "meta_expressions" / "train" / "meta_expressions.json", {"videos": ref_youtube_vos.expressions(videos)}
    )
    for video in videos.values():
        for one in video["objects"].values():
            del one["frames"]
    shapes.write(root / "train" / "meta.json", {"videos": videos})
    return {"root": root, "frames": 3, "stride": 1}
