"""The training logger: every line is strict JSON, whatever a step's numbers are."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lavida_bench.fitting.logger import LOG, StepInfo, TrainingLogger
from lavida_gen.common.errors import DataError


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is no JSON")


def test_a_norm_that_is_infinite_is_null(tmp_path: Path) -> None:
    console: list[str] = []
    logger = TrainingLogger(tmp_path, 0, 2, console.append)
    info = StepInfo({"vision": 1e-3}, float("inf"), 8.0, {"image": float("nan")}, damaged=0, damaged_shards=0)
    logger.training(1, {"loss": 0.5}, info)
    logger.training(2, {"loss": 0.25}, replace(info, norm=1.5))
    logger.close()
    first, second = (
        json.loads(line, parse_constant=refuse) for line in (tmp_path / LOG).read_text("utf-8").splitlines()
    )
    assert (first["norm"], first["rounds"], first["lr"]) == (None, {"image": None}, {"vision": 1e-3})
    assert second["norm"] == 1.5
    assert [line.split("  ")[1] for line in console] == ["loss 0.5000", "loss 0.2500"]


def test_a_full_disk_is_reported(tmp_path: Path) -> None:
    (tmp_path / LOG).symlink_to("/dev/full")
    logger = TrainingLogger(tmp_path, 0, 2, print)
    with pytest.raises(DataError, match=r"log\.jsonl: the disk is full; free some space and"):
        logger.note(1, "a sentence")
    logger.close()
