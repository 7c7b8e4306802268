"""transformers' own doors open a saved LAVIDA after `import lavida`, in whatever order the two are imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoProcessor

import lavida
from lavida import Lavida, LavidaConfig, LavidaProcessor

OPEN = "AutoConfig.from_pretrained({0!r}), AutoModel.from_pretrained({0!r}), AutoProcessor.from_pretrained({0!r})"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    Lavida.from_preset("tiny", random=True).save_pretrained(folder)
    LavidaProcessor.from_preset("tiny").save_pretrained(folder)
    return folder


def test_the_auto_classes_open_a_saved_model(saved: Path) -> None:
    config, model = AutoConfig.from_pretrained(saved), AutoModel.from_pretrained(saved)
    processor = AutoProcessor.from_pretrained(saved)
    assert (type(config), type(model), type(processor)) == (LavidaConfig, Lavida, LavidaProcessor)
    again = Lavida.from_pretrained(saved)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))
    assert processor.sizes == LavidaProcessor.from_pretrained(saved).sizes


def test_a_tokenizer_that_names_another_processor_does_not_win(saved: Path) -> None:
    file = saved / "tokenizer_config.json"
    plain = json.loads(file.read_text())
    file.write_text(json.dumps(plain | {"processor_class": "Qwen2VLProcessor"}))
    try:
        assert type(AutoProcessor.from_pretrained(saved)) is LavidaProcessor
    finally:
        file.write_text(json.dumps(plain))


def test_lavida_may_be_imported_before_transformers(saved: Path) -> None:
    code = f"""import sys, lavida
assert not {{"torch", "transformers", "numpy"}} & set(sys.modules), "import lavida alone imports nothing heavy"
from transformers import AutoConfig, AutoModel, AutoProcessor
print([type(opened).__name__ for opened in ({OPEN.format(str(saved))})])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['LavidaConfig', 'Lavida', 'LavidaProcessor']"


def test_any_module_may_be_the_first() -> None:
    """One that others import, too: it imports transformers, and LAVIDA would be registered with the module half made."""
    done = subprocess.run([sys.executable, "-c", "from lavida.presets import PARTS"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_front_door_has_what_it_names() -> None:
    assert {name: getattr(lavida, name).__name__ for name in lavida.__all__} == {name: name for name in lavida.__all__}
    with pytest.raises(AttributeError, match="module 'lavida' has no attribute 'Lavidda'"):
        lavida.__getattr__("Lavidda")


def test_a_language_model_may_come_from_another_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lavida.backbone import find_family
    from lavida.backbones.qwen2_vl import Family

    info = tmp_path / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: mine\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[lavida.backbones]\nmy_vl = my_backbone:Mine\n")
    (tmp_path / "my_backbone.py").write_text("from lavida.backbones.qwen2_vl import Family\nclass Mine(Family): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = find_family("my_vl")
    assert isinstance(found, Family)
    assert type(found).__name__ == "Mine"
    with pytest.raises(lavida.LavidaError, match="language model of type 'your_vl'; expected one of qwen2_5_vl"):
        find_family("your_vl")
