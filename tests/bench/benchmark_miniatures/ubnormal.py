"""Two scenes; tracks as floats, one file with new_tracks, lists without a last newline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

TOTALS = (3, 60, 17)  # videos, frames, abnormal frames


def draw(root: Path, tools: Any) -> None:
    tools.text(root / "abnormal_test_video_names.txt", "abnormal_scene_1_scenario_2\nabnormal_scene_12_scenario_4_fog")
    tools.text(root / "normal_test_video_names.txt", "normal_scene_12_scenario_1")
    tools.video(root / "Scene12" / "normal_scene_12_scenario_1.mp4", 20, fps=30)
    _abnormal(
        root / "Scene1", "abnormal_scene_1_scenario_2", "3.0,5.0,9.0\n7.0,8.0,11.0\n", {3: (5, 9), 7: (8, 11)}, tools
    )
    home = _abnormal(root / "Scene12", "abnormal_scene_12_scenario_4_fog", "1.0,0.0,9.0", {1: (0, 9)}, tools)
    tools.text(home / "abnormal_scene_12_scenario_4_fog_new_tracks.txt", "1,2,9\n")


def _abnormal(scene: Path, key: str, tracks: str, shown: dict[int, tuple[int, int]], tools: Any) -> Path:
    home = scene / f"{key}_annotations"
    tools.video(scene / f"{key}.mp4", 20, fps=30)
    tools.text(home / f"{key}_tracks.txt", tracks)
    for frame in range(20):
        objects = tools.mask(frame, value=200)  # an object that is in no track
        for number, (start, end) in shown.items():
            if start <= frame <= end:
                objects[30 : 30 + number, 4:20] = number
        tools.image(home / f"{key}_{frame:04d}_gt.png", objects)
    return home
