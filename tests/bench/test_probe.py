"""Models whose configuration does not fit their weights: refused when they are opened, by the grey picture they score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida_bench.cli import main
from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_gen.common.errors import DataError


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    Lavida.from_preset("tiny").save_pretrained(folder)
    LavidaProcessor.from_preset("tiny").save_pretrained(folder)
    return folder


def change(folder: Path, place: str, value: object) -> str:
    """Change a value of config.json; returns the text before."""
    file = folder / "config.json"
    text = file.read_text("utf-8")
    plain = json.loads(text)
    *path, key = place.split(".")
    inner: Any = plain
    for name in path:
        inner = inner[name]
    assert key in inner
    inner[key] = value
    file.write_text(json.dumps(plain), "utf-8")
    return text


MISFITS = {
    "mllm_config.text_config.rope_parameters.mrope_section": [4, 6, 6],
    "mllm_config.vision_config.num_heads": 9,
    "sam_config.mask_decoder_config.num_attention_heads": -1,
    "sam_config.prompt_encoder_config.patch_size": 33,
    "sam_config.vision_config.backbone_config.patch_stride": [8, 8],
    "sam_config.vision_config.num_feature_levels": 7,
    "seg_token_id": 15,
}
"""Each loads with all of its weights."""


@pytest.mark.parametrize(("place", "value"), MISFITS.items())
def test_a_configuration_that_does_not_fit(saved: Path, place: str, value: object) -> None:
    before = change(saved, place, value)
    with pytest.raises(
        DataError, match="cannot score a grey picture .*; expected a configuration that fits weights and"
    ):
        scorers.make("lavida").open(str(saved), LoadSettings())
    (saved / "config.json").write_text(before, "utf-8")
    scorers.make("lavida").open(str(saved), LoadSettings())


def test_a_score_that_is_no_number(saved: Path, tmp_path: Path) -> None:
    before = change(saved, "names_config.layer_norm_eps", -1.0)
    words = ["score", "street", "--model", str(saved), "--out", str(tmp_path / "run"), "--set", "videos=1"]
    result = CliRunner().invoke(main, words)
    (saved / "config.json").write_text(before, "utf-8")
    assert result.exit_code == 1, result.output
    assert "the model gives a grey picture the score nan; expected a finite number" in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_other_scorers_are_tried_too(tmp_path: Path) -> None:
    kind = scorers.make("clip")
    kind.write_random(tmp_path, 0)
    kind.open(str(tmp_path), LoadSettings())
    change(tmp_path, "vision_config.num_attention_heads", -1)
    with pytest.raises(DataError, match="cannot score a grey picture"):
        kind.open(str(tmp_path), LoadSettings())


def test_a_machine_without_memory_is_no_misfit(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    from lavida_bench.scoring.lavida_scorer import LavidaScorer

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(LavidaScorer, "score", full)
    with pytest.raises(MemoryError):
        scorers.make("lavida").open(str(saved), LoadSettings())
