"""Names with and without .mp4, odd blanks, parts, an end past the video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (3, 90, 26)


def draw(root: Path, tools: Any) -> None:
    lines = [
        "Abuse028_x264.mp4  Abuse  5  14  -1  -1  ",
        "Arson011_x264  Arson\t2  7  20  31 ",
        "",
        "Normal_Videos_003_x264.mp4  Normal  -1  -1  -1  -1",
    ]
    tools.text(root / "Temporal_Anomaly_Annotation_for_Testing_Videos.txt", "\n".join(lines))
    tools.video(root / "Anomaly-Videos-Part-1" / "Abuse" / "Abuse028_x264.mp4", 30)
    tools.video(root / "Anomaly-Videos" / "Arson" / "Arson011_x264.mp4", 30)
    tools.video(root / "Testing_Normal_Videos_Anomaly" / "Normal_Videos_003_x264.mp4", 30)
