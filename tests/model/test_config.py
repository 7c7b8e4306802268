"""Errors of the configuration, and its round trip."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lavida.config import CHOICES, LavidaConfig
from lavida.errors import LavidaError
from lavida.presets import AUTHORS, preset_options


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reduction_ratio": 0.0}, "reduction_ratio: 0.0; expected 0 < ratio <= 1"),
        ({"qformer_heads": 7}, "qformer_heads: 7; expected a divisor of projector_hidden, "),
        ({"memory": "both"}, "memory: 'both'; expected one of none, causal"),
        ({"name_maps": "finest"}, "name_maps: 'finest'; expected one of coarse, fine"),
        ({"qformer_wiring": "as_authors"}, "qformer_wiring: 'as_authors'; expected one of sam, authors"),
        ({"positions": None}, "positions: None; expected one of mrope, sequential"),
        ({"no_memory_images": "no"}, "no_memory_images: 'no'; expected true or false"),
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


def test_a_model_saved_before_the_options_loads_as_it_was_fitted(tmp_path: Path) -> None:
    """Defaults of the options must never change: config.json of those days does not have them."""
    (tmp_path / "config.json").write_text('{"model_type": "lavida", "reduction_ratio": 0.25}')
    config = LavidaConfig.from_pretrained(tmp_path)
    assert config.reduction_ratio == 0.25
    got = {name: getattr(config, name) for name in (*CHOICES, "no_memory_images", "compression_gradient", "budgets")}
    assert got == {
        "memory": "none",
        "name_maps": "coarse",
        "qformer_wiring": "sam",
        "projector_init": "normal",
        "positions": "mrope",
        "static_rule": "mean",
        "empty_centres": "self",
        "input_embeddings": "trained",
        "no_memory_images": True,
        "compression_gradient": True,
        "budgets": {
            "train_clip": [32, 64],
            "score_clip": [160, 192],
            "train_image": [32, 1024],
            "score_image": [32, 1024],
        },
    }


@pytest.mark.parametrize("name", ["paper", "small"])
def test_presets_have_the_authors_options(name: str) -> None:
    config = LavidaConfig.preset(name)
    assert {option: getattr(config, option) for option in AUTHORS} == AUTHORS
    assert set(AUTHORS) >= {*CHOICES} - {"memory", "name_maps"}  # these two are not the authors'
    assert config.budgets is not None
    assert config.budgets["train_clip"] == [256, 512]
    assert config.budgets["score_clip"] == [1280, 1536]


def test_paper_ours_differs_from_the_authors_and_tiny_records_its_own() -> None:
    ours, tiny = LavidaConfig.preset("paper-ours"), LavidaConfig.preset("tiny")
    assert (ours.qformer_wiring, ours.positions, ours.input_embeddings) == ("sam", "mrope", "trained")
    assert (ours.projector_init, ours.budgets) == ("torch", LavidaConfig.preset("paper").budgets)
    saved = json.loads(tiny.to_json_string())
    assert (saved["qformer_wiring"], saved["projector_init"], saved["positions"]) == ("sam", "normal", "mrope")
    with pytest.raises(LavidaError, match="options of preset 'tiny'; expected one of paper, paper-ours, small"):
        preset_options("tiny")


def test_weights_and_groups_are_the_papers() -> None:
    config = LavidaConfig()
    assert config.weights.focal == 20
    assert config.weights.names == 0
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
