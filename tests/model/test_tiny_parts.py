"""Shipped weights of the tiny preset: there and back, and what does not fit is named."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.errors import CheckpointError, LavidaError
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor
from lavida.tiny import weights as tiny_parts


@pytest.fixture
def model() -> Lavida:
    torch.manual_seed(0)
    return Lavida(LavidaConfig.preset("tiny"))


def test_weights_come_back_in_half_precision(model: Lavida, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = tiny_parts.write_weights(model, tmp_path / "model.safetensors")
    assert size == (tmp_path / "model.safetensors").stat().st_size <= 8e6
    monkeypatch.setattr(tiny_parts, "FILE", tmp_path / "model.safetensors")
    other = Lavida(LavidaConfig.preset("tiny"))
    tiny_parts.load_weights(other)
    for (name, one), two in zip(model.state_dict().items(), other.state_dict().values(), strict=True):
        assert two.dtype == one.dtype, name
        assert torch.equal(two, one.half().to(one.dtype)), name


def test_a_weight_beyond_half_precision_is_named(model: Lavida, tmp_path: Path) -> None:
    with torch.no_grad():
        model.projector.name_out.bias[0] = 1e6
    with pytest.raises(LavidaError, match=r"projector\.name_out\.bias: beyond half precision"):
        tiny_parts.write_weights(model, tmp_path / "model.safetensors")
    assert not any(tmp_path.iterdir())


def test_weights_of_another_size_are_named(model: Lavida, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.safetensors"
    tiny_parts.write_weights(model, file)
    held = load_file(file)
    held["projector.name_out.bias"] = torch.zeros(3)
    held["foreign"] = torch.zeros(1)
    save_file(held, file)
    monkeypatch.setattr(tiny_parts, "FILE", file)
    with pytest.raises(CheckpointError, match=r"foreign.*projector\.name_out\.bias \(3,\)"):
        tiny_parts.load_weights(model)


def test_curves_of_stages_are_taken_over(tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text('[{"step": 3, "iou": 0.123456}]')
    (tmp_path / "log.jsonl").write_text('{"step": 5, "loss": 1.0}\n{"step": 5, "validation": {"loss": 2.0}}\n')
    curves = tmp_path / "curve.json"
    curves.write_text('{"pixels": [{"step": 1, "loss": 3.0}], "parts": []}')
    tiny_parts.update_curves({"names": tmp_path / "names.json", "parts": tmp_path / "log.jsonl"}, curves)
    assert json.loads(curves.read_text()) == {
        "pixels": [{"step": 1, "loss": 3.0}],
        "parts": [{"step": 5, "loss": 2.0}],
        "names": [{"step": 3, "iou": 0.1235}],
    }


def test_the_card_describes_the_shipped_file() -> None:
    data = tiny_parts.FILE.read_bytes()
    card = (tiny_parts.FOLDER / "README.md").read_text("utf-8")
    assert f"`{hashlib.sha256(data).hexdigest()}`" in card
    assert f"{len(data):,} bytes" in card
    assert len(data) <= 8e6


def test_shipped_weights_find_what_is_named_in_scenes_they_never_saw() -> None:
    from lavida_gen.scenes import masks
    from lavida_gen.sources.street import StreetSource

    model, processor = Lavida.from_preset("tiny").train(False), LavidaProcessor.from_preset("tiny")
    source = StreetSource(
        StreetSource.Options(seed=12345, size=(128, 192), things=(2, 4), kinds=("car", "bus", "bicycle", "person"))
    )
    logits, targets = [], []
    for number in range(8):
        scene = source.scene(number)
        for name in {region.names[0] for region in scene.regions}:
            shown = [region.masks[0] for region in scene.regions if region.names[0] == name and region.masks[0]]
            frames = scene.frames[0].pixels()[None]
            with torch.no_grad():
                found = model(processor([Sample(frames, (name, "dog"))], "score")).masks
            logits.append(F.interpolate(found, size=(128, 192), mode="bilinear").flatten())
            targets.append(torch.from_numpy(masks.decode(masks.union(shown))).flatten())
    assert float(roc_auc_score(torch.cat(targets), torch.cat(logits))) > 0.9
