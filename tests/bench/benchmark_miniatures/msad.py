"""An event to the end of its video, one past the end of its, folders by kind; the training video is none of the split."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (4, 74, 27)
LINES = (
    "name,scenario,total frames,starting frame of anomaly,ending frame of anomaly",
    "Assault_1,shop,20,5,20",
    "Traffic_accident_12,road,20,12,30",
    "Fire_2.mp4,office,16,3,4",
)


def draw(root: Path, tools: Any) -> None:
    tools.text(root / "MSAD Dataset" / "anomaly_annotation.csv", "\ufeff" + "\r\n".join(LINES))
    videos = root / "MSAD Dataset" / "MSAD_blur"
    tools.video(videos / "MSAD_anomaly_blur" / "Assault" / "Assault_1.mp4", 20)
    tools.video(videos / "MSAD_anomaly_blur" / "Traffic_accident" / "Traffic_accident_12.avi", 20)
    tools.video(videos / "MSAD_anomaly_blur" / "Fire" / "Fire_2.mp4", 16)
    tools.video(videos / "MSAD_normal_testing_blur" / "MSAD_normal_testing_3.mp4", 18)
    tools.video(videos / "MSAD_normal_training_blur" / "office_1.mp4", 18)
