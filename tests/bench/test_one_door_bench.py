"""As `tests/gen/test_one_door.py` for the harness and the model: few modules open and parse files of strangers."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from test_one_door import forbidden

import lavida
import lavida_bench

ALLOWED: dict[ModuleType, set[str]] = {
    lavida: {
        "parts/trust.py: json.loads", "parts/trust.py: read_bytes",  # the door of the model's package
        "parts/fitted_on.py: read_bytes",  # of limited size, into a strict form
        "processing.py: json.loads", "processing.py: read_text",  # of a folder that it has checked
        "tiny/tokenizer.py: read_text",  # files of this project
        "tiny/weights.py: json.loads", "tiny/weights.py: read_text", "tiny/weights.py: read_bytes",
    },
    lavida_bench: {
        "videos/stream.py: av.open", "videos/video_index.py: av.open",  # the door of videos
        "videos/pipe.py: os.open",  # a named pipe, after its kind was seen
        "videos/shard_index.py: os.open",  # after its index was read
        "results/score_formats.py: zipfile.ZipFile",  # the names in an archive, from open_regular
        "fitting/checkpoint.py: os.open",  # to sync what it wrote
        "benchmarks/_gate.py: read_bytes",  # of our own cache
        "commands/ablate.py: read_text", "commands/report.py: read_text",  # what the command has just written
        "prediction/clips.py: cv2.imdecode", "prediction/timeline_picture.py: Image.open",  # pictures that it encoded
        "runs/ablation.py: json.loads",  # a copy of plain data
        "protocols/disk_sort.py: np.memmap",  # of scores that it sorts in a temporary folder
    },
}  # fmt: skip
"""Module and call, and why it is no way around."""


@pytest.mark.parametrize("package", list(ALLOWED), ids=["model", "harness"])
def test_only_the_doors_open_and_parse_files(package: ModuleType) -> None:
    found = (line.split(":", 2) for line in forbidden(Path(package.__path__[0])))
    assert {f"{place}:{call}" for place, _, call in found} == ALLOWED[package]
