"""Errors of the configuration, and its round trip."""

from __future__ import annotations

from pathlib import Path

import pytest

from lavida.config import LavidaConfig
from lavida.errors import LavidaError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reduction_ratio": 0.0}, "reduction_ratio: 0.0; expected 0 < ratio <= 1"),
        ({"qformer_heads": 7}, "qformer_heads: 7; expected a divisor of projector_hidden, "),
        ({"memory": "both"}, "memory: 'both'; expected one of none, causal"),
        ({"name_maps": "finest"}, "name_maps: 'finest'; expected one of coarse, fine"),
        ({"loss": {"focus": 1.0}}, "loss: unknown focus; expected dice, focal"),
        ({"trainable": {"visio": "full"}}, "unknown group 'visio'; expected one of vision"),
        ({"trainable": {"vision": "half"}}, "trainable.vision: 'half'; expected full or frozen"),
        ({"trainable": {"projector": "lora"}}, "language and vision also lora"),
        ({"density_neighbours": "8"}, "density_neighbours: '8'; expected a whole number, 0 or more"),
        ({"density_neighbours": 0}, "density_neighbours: 0; expected at least 1"),
        ({"static_threshold": float("nan")}, "static_threshold: nan; expected a number"),
        ({"gate_masks": 1}, "gate_masks: 1; expected true or false"),
        ({"budgets": {"score_clip": "64"}}, "budgets.score_clip: '64'; expected the fewest and the most patches"),
    ],
)
def test_errors_have_the_expected_values(changes: dict[str, object], message: str) -> None:
    with pytest.raises(LavidaError, match=message):
        LavidaConfig(**changes)


def test_paper_is_the_default() -> None:
    config = LavidaConfig()
    assert config.weights.focal == 20
    assert config.weights.names == 0
    assert config.budgets is not None
    assert config.budgets["train_clip"] == [32, 64]
    assert config.budgets["score_clip"] == [160, 192]
    assert config.trainable is not None
    assert {group for group, how in config.trainable.items() if how == "frozen"} == {
        "vision", "names", "image_encoder", "memory",
    }  # fmt: skip
    assert config.trainable["language"] == "lora"


def test_round_trip(tmp_path: Path) -> None:
    config = LavidaConfig(memory="causal", loss={"names": 1.0}, trainable={"vision": "full"})
    config.save_pretrained(tmp_path)
    again = LavidaConfig.from_pretrained(tmp_path)
    assert again.to_dict() == config.to_dict()
    assert again.weights.names == 1


def test_a_preset_refuses_unknown_options() -> None:
    with pytest.raises(LavidaError, match=r"unknown option 'reduction_ration'; did you mean 'reduction_ratio'\?"):
        LavidaConfig.preset("tiny", reduction_ration=0.3)
    assert LavidaConfig.preset("tiny", reduction_ratio=0.3).reduction_ratio == 0.3
