"""Saving, loading and publishing a model; errors of checkpoints that do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from lavida import presets
from lavida.batch import Sample
from lavida.config import LavidaConfig
from lavida.errors import CheckpointError, LavidaError, shorten
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor

Make = Callable[..., Lavida]


def equal(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    left, right = one.state_dict(), other.state_dict()
    return left.keys() == right.keys() and all(torch.equal(value, right[name]) for name, value in left.items())


def test_round_trip_is_bit_identical_in_shards(
    model: Lavida, processor: LavidaProcessor, samples: list[Sample], tmp_path: Path
) -> None:
    """Outputs are equal to the bit: one machine, one thread, aligned weights (lavida.alignment)."""
    model.save_pretrained(tmp_path, max_shard_size="3MB")
    processor.save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) >= 3
    again = Lavida.from_pretrained(tmp_path)
    assert equal(model, again)
    batch = LavidaProcessor.from_pretrained(tmp_path)(samples)
    with torch.no_grad():
        one, other = model(batch), again(batch)
    assert torch.equal(one.masks, other.masks)
    assert torch.equal(one.scores, other.scores)
    assert torch.equal(one.names, other.names)


def test_round_trip_in_bfloat16(lively: Make, tmp_path: Path) -> None:
    model = lively().to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    assert equal(model, Lavida.from_pretrained(tmp_path, dtype=torch.bfloat16))
    assert Lavida.from_pretrained(tmp_path, dtype=torch.float32).dtype == torch.float32


def test_tied_embeddings_stay_tied(tmp_path: Path) -> None:
    """As Qwen2-VL 2B has them: the language head is the embedding."""
    tied = {"model_type": "qwen2_vl", **presets._tiny_qwen(), "tie_word_embeddings": True}
    model = Lavida.from_preset("tiny", random=True, mllm_config=tied)
    model.save_pretrained(tmp_path)
    again = Lavida.from_pretrained(tmp_path)
    assert again.mllm.lm_head.weight is again.mllm.get_input_embeddings().weight
    assert equal(model, again)


def test_options_of_the_configuration_can_be_changed_on_loading(model: Lavida, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    again = Lavida.from_pretrained(tmp_path, memory="causal", reduction_ratio=0.2, attn_implementation="eager")
    assert again.config.memory == "causal"
    assert again.config.reduction_ratio == 0.2
    assert again.sam.config._attn_implementation == "eager"


def test_missing_unexpected_and_resized_keys_are_named(model: Lavida, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    file = tmp_path / "model.safetensors"
    state = load_file(file)
    state["projector.question"] = state.pop("projector.queries").clone()
    state["projector.name_in.weight"] = torch.zeros(3, 3)
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(CheckpointError) as caught:
        Lavida.from_pretrained(tmp_path)
    message = str(caught.value)
    assert str(tmp_path) in message
    assert "1 keys missing (projector.queries)" in message
    assert "1 unexpected keys (projector.question)" in message
    assert "1 of another size (projector.name_in.weight (3, 3), the model has (96, 64))" in message


def test_files_that_are_missing_or_broken_off_are_reported(model: Lavida, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    whole = weights.read_bytes()
    for damaged in (whole[:1000], b"", whole[: len(whole) // 2]):
        weights.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=rf"^{tmp_path}: no saved model can be read \(.+\); expected a fol"):
            Lavida.from_pretrained(tmp_path)
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"no saved model can be read \(.*model\.safetensors"):
        Lavida.from_pretrained(tmp_path)
    weights.write_bytes(whole)
    plain = json.loads(config.read_text())
    for odd in ({"mllm_config": "a"}, {"dtype": "float99"}, {"qformer_heads": 7}):
        config.write_text(json.dumps(plain | odd))
        with pytest.raises(CheckpointError, match=rf"^{tmp_path}: "):
            Lavida.from_pretrained(tmp_path)
    config.write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json: is not valid JSON \("):
        Lavida.from_pretrained(tmp_path)


def test_a_wrong_preset_is_refused_with_the_sizes_that_differ(model: Lavida, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    with pytest.raises(
        CheckpointError, match="another size: projector_hidden 96, wanted 48; use its own configuration"
    ):
        Lavida.from_pretrained(tmp_path, config=LavidaConfig.preset("tiny", projector_hidden=48))
    with pytest.raises(CheckpointError, match=r"mllm\.text\.hidden_size 96, wanted 1536") as caught:
        Lavida.from_pretrained(tmp_path, config=LavidaConfig.preset("small"))
    assert "more; use its own configuration, or another preset" in str(caught.value)
    same = LavidaConfig.preset("tiny", memory="causal", loss={"names": 1.0})
    assert Lavida.from_pretrained(tmp_path, config=same).config.memory == "causal"


def test_unknown_preset() -> None:
    with pytest.raises(LavidaError, match="unknown preset 'huge'; expected one of paper, paper-ours, small, tiny"):
        Lavida.from_preset("huge")


def test_some_names_of_many() -> None:
    assert shorten(["a", "b"]) == "a, b"
    assert shorten(list("abcdefgh"), 3) == "a, b, c and 5 more"


def test_the_model_goes_to_the_hub_as_it_is_saved(model: Lavida, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the client's own calls of the server, which are recorded."""
    from transformers.utils import hub

    asked: dict[str, Any] = {}

    class Api:
        def create_repo(self, repo_id: str, **_: Any) -> Any:
            asked["repo"] = repo_id
            return type("Url", (), {"repo_id": repo_id})

        def create_commit(self, *, repo_id: str, operations: list[Any], **_: Any) -> None:
            asked["files"] = sorted(one.path_in_repo for one in operations)

    card = type("Card", (), {"save": lambda self, path: Path(path).write_text("card", "utf-8")})
    monkeypatch.setattr(hub, "hf_api", Api)
    monkeypatch.setattr(hub, "create_and_tag_model_card", lambda *_, **__: card())
    model.push_to_hub("somebody/lavida-tiny", max_shard_size="5MB")
    assert asked["repo"] == "somebody/lavida-tiny"
    shards = [name for name in asked["files"] if name.endswith(".safetensors")]
    assert len(shards) >= 2
    beside = {"README.md", "config.json", "fitted_on.json", "model.safetensors.index.json"}
    assert set(asked["files"]) - set(shards) == beside


def test_push_to_hub_sends_what_save_pretrained_writes(
    processor: LavidaProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the client's own call of the server, which is recorded."""
    import huggingface_hub

    sent: dict[str, list[str]] = {"repo": []}

    def upload(self: Any, *, repo_id: str, folder_path: str, **_: Any) -> None:
        sent["repo"].append(repo_id)
        sent["files"] = sorted(str(p.relative_to(folder_path)) for p in Path(folder_path).rglob("*") if p.is_file())

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", lambda self, repo_id, **_: sent["repo"].append(repo_id))
    monkeypatch.setattr(huggingface_hub.HfApi, "upload_folder", upload)
    processor.push_to_hub("somebody/lavida-tiny")
    assert sent["repo"] == ["somebody/lavida-tiny"] * 2
    assert sent["files"] == [
        "lavida_processor.json",
        "names_tokenizer/tokenizer.json",
        "names_tokenizer/tokenizer_config.json",
        "processor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("mllm", "vision_config", "hidden_size"), 64, "hidden_size 64, the other parts need 96"),
        (
            ("sam", "mask_decoder_config", "hidden_size"),
            32,
            "mask_decoder_config.hidden_size 32, the other parts need 64",
        ),
        (("sam", "image_size"), 512, "sam image_size 512, the other parts need 256"),
    ],
)
def test_parts_that_do_not_fit_each_other(where: tuple[str, ...], value: int, message: str) -> None:
    config = LavidaConfig.preset("tiny")
    part: object = config
    for name in where[:-1]:
        part = getattr(part, name)
    setattr(part, where[-1], value)
    with pytest.raises(LavidaError, match=message):
        Lavida(config)
