"""What a fit tells: every line is strict JSON, whatever a step's numbers are."""

import json
from pathlib import Path
from typing import Any

import pytest

from lavida_bench.fitting.logger import LOG, TrainingLogger
from lavida_gen.common.errors import DataError


def refuse(word: str) -> Any:
    raise AssertionError(f"{word} is no JSON")


def test_a_norm_that_is_infinite_is_null(tmp_path: Path) -> None:
    said: list[str] = []
    journal = TrainingLogger(tmp_path, 0, 2, said.append)
    more = {"lr": {"vision": 1e-3}, "samples_per_second": 8.0, "rounds": {"image": float("nan")}}
    journal.training(1, {"loss": 0.5}, {**more, "norm": float("inf")})
    journal.training(2, {"loss": 0.25}, {**more, "norm": 1.5})
    journal.close()
    one, two = (json.loads(line, parse_constant=refuse) for line in (tmp_path / LOG).read_text("utf-8").splitlines())
    assert (one["norm"], one["rounds"], one["lr"]) == (None, {"image": None}, {"vision": 1e-3})
    assert two["norm"] == 1.5
    assert [line.split("  ")[1] for line in said] == ["loss 0.5000", "loss 0.2500"]


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    (tmp_path / LOG).symlink_to("/dev/full")
    journal = TrainingLogger(tmp_path, 0, 2, print)
    with pytest.raises(DataError, match=r"log\.jsonl: the disk is full; free some space and"):
        journal.note(1, "a sentence")
    journal.close()
