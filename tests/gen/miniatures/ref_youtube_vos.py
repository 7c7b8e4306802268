"""Ref-YouTube-VOS: YouTube-VOS and expressions, each of one object."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from miniatures import shapes, youtube_vos


def expressions(videos: dict[str, Any]) -> dict[str, Any]:
    """meta_expressions.json's content for the videos of a meta.json."""
    found = {}
    for at, video in enumerate(videos):
        frames = videos[video]["objects"]["1"]["frames"]
        texts = {
            "0": {"exp": f"a penguin walking to the right in film {at}", "obj_id": "1"},
            "1": {"exp": "the  one that is walking", "obj_id": "1"},
            "2": {"exp": f"a giant panda coming from the right in film {at}", "obj_id": "2"},
        }
        found[video] = {"expressions": texts, "frames": frames}
    return found


def draw(root: Path) -> dict[str, Any]:
    videos = youtube_vos.frames(root)
    shapes.write(root / "train" / "meta.json", {"videos": videos})
    shapes.write(root / "meta_expressions" / "train" / "meta_expressions.json", {"videos": expressions(videos)})
    return {"root": root, "frames": 3}
