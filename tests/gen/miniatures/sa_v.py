"""SA-V: an mp4 with 24 frames per second and masklets of every fourth frame; a masklet that is hidden at times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from miniatures import shapes

EVERY = 4
ANNOTATED = 6
SIZE = (96, 128)


def film(path: Path, count: int, key_frames: int = 12, size: tuple[int, int] = SIZE) -> None:
    """A video with a moving white box; the right half of frame n has a brightness of about 8 n."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "12", "g": str(key_frames)}
        for number in range(count):
            pixels = np.zeros((*size, 3), np.uint8)
            pixels[:, size[1] // 2 :] = 8 * number
            x, y, w, h = shapes.track(number, (4, 10), (1, 1), (20, 16))
            pixels[y : y + h, x : x + w] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def masklets(ids: list[int]) -> dict[str, Any]:
    """The content of a JSON of masklets: 0 the white box, 1 the right half, not visible at first."""
    rows = []
    for at in range(ANNOTATED):
        box = shapes.bits(shapes.track(EVERY * at, (4, 10), (1, 1), (20, 16)), SIZE)
        half = shapes.bits((64, 0, 64 if at > 1 else 0, 96), SIZE)
        rows.append([shapes.run_lengths((box, half)[ident]) for ident in ids])
    return {
        "video_id": "sav_000001",
        "video_frame_count": float(EVERY * ANNOTATED),
        "video_height": float(SIZE[0]),
        "video_width": float(SIZE[1]),
        "masklet": rows,
        "masklet_id": ids,
        "masklet_num": len(ids),
    }


def draw(root: Path) -> dict[str, Any]:
    film(root / "sav_000" / "sav_000001.mp4", EVERY * ANNOTATED)
    shapes.write(root / "sav_000" / "sav_000001_manual.json", masklets([0]))
    shapes.write(root / "sav_000" / "sav_000001_auto.json", masklets([1]))
    return {"root": root, "frames": 4, "clips": 2, "masklets": "both"}
