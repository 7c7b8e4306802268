"""Models that somebody else made: nothing in their folder runs code, fills the memory or waits for ever."""

from __future__ import annotations

import ast
import json
import os
import pickle
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import lavida
from lavida.errors import CheckpointError, LavidaError
from lavida.modeling import Lavida
from lavida.parts import load, sam2_keys
from lavida.parts.load import saved_config
from lavida.processing import LavidaProcessor


@pytest.fixture
def saved(model: Lavida, processor: LavidaProcessor, tmp_path: Path) -> Path:
    """A model's folder."""
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def change(file: Path, **values: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def open_all(folder: Path) -> LavidaProcessor:
    """As scoring opens a model."""
    model = Lavida.from_pretrained(folder)
    processor = LavidaProcessor.from_pretrained(folder)
    processor.check_tokenizers(model.config)
    return processor


class _Attack:
    """Creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, int]]:
        return os.open, (str(self.mark), os.O_CREAT)


CODE = "import pathlib\npathlib.Path({mark!r}).touch()\nclass Config: ...\nclass Model: ...\n"


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "names_tokenizer/tokenizer_config.json"])
def test_code_of_the_folder_is_never_run(saved: Path, tmp_path: Path, file: str) -> None:
    mark = tmp_path / "ran"
    classes = dict.fromkeys(("AutoConfig", "AutoModel", "AutoTokenizer", "AutoProcessor"), "own.Model")
    for folder in (saved, saved / "names_tokenizer"):
        (folder / "own.py").write_text(CODE.format(mark=str(mark)))
    change(saved / file, auto_map=classes, model_type="own")
    with pytest.raises(CheckpointError, match=r"names Python code \(auto_map\); expected a model without code of its"):
        open_all(saved)
    with pytest.raises(CheckpointError, match=r"names Python code \(auto_map\)"):
        load.load_mllm(saved, saved_config(saved), torch.float32)
    with pytest.raises(CheckpointError, match=r"names Python code \(auto_map\)"):
        load.seg_token(saved)
    assert not mark.exists()


def test_kernels_are_not_fetched(saved: Path) -> None:
    plain = json.loads((saved / "config.json").read_text())
    for values in (
        {"attn_implementation": "somebody/kernel"},
        {"sam_config": plain["sam_config"] | {"_attn_implementation": "somebody/kernel@main"}},
    ):
        change(saved / "config.json", **plain | values)
        with pytest.raises(CheckpointError, match=r"wants the attention 'somebody/kernel.*never fetched"):
            open_all(saved)
    (saved / "config.json").write_text(json.dumps(plain))
    with pytest.raises(LavidaError, match="wants the attention"):
        lavida.LavidaConfig.preset("tiny", attn_implementation="somebody/kernel")


def test_weights_that_are_pickles_only(saved: Path, tmp_path: Path) -> None:
    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(_Attack(tmp_path / "ran")))
    open_all(saved)  # beside safetensors it is not read
    (saved / "model.safetensors").unlink()
    with pytest.raises(
        CheckpointError, match=r"has weights as pytorch_model.bin only; expected safetensors; a pickle can"
    ):
        open_all(saved)
    with pytest.raises(CheckpointError, match=r"has weights as pytorch_model.bin only"):
        load.load_names(saved, saved_config(saved), torch.float32)
    assert not (tmp_path / "ran").exists()


def test_metas_file_is_read_without_running_it(tmp_path: Path) -> None:
    """Meta publishes SAM2 as a pickle: of that, tensors and plain data only are read."""
    file = tmp_path / "sam2.pt"
    torch.save({"model": {"a": _Attack(tmp_path / "ran")}}, file)
    with pytest.raises(CheckpointError, match=r"sam2\.pt: cannot be read as a PyTorch file"):
        sam2_keys.read_checkpoint(file)
    file.write_bytes(pickle.dumps(_Attack(tmp_path / "ran"), protocol=2))
    with pytest.raises(CheckpointError, match=r"sam2\.pt: cannot be read as a PyTorch file"):
        sam2_keys.read_checkpoint(file)
    assert not (tmp_path / "ran").exists()


def test_an_adapter_is_no_model(saved: Path) -> None:
    """transformers would fetch the base model that it names."""
    (saved / "adapter_config.json").write_text('{"base_model_name_or_path": "somebody/model"}')
    with pytest.raises(CheckpointError, match="holds an adapter; expected a whole model; merge it"):
        open_all(saved)


def test_shards_elsewhere(model: Lavida, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path, max_shard_size="3MB")
    index = tmp_path / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    name = next(iter(content["weight_map"]))
    content["weight_map"][name] = "../other/model.safetensors"
    index.write_text(json.dumps(content))
    with pytest.raises(
        CheckpointError, match=r"names the file '\.\./other/model\.safetensors'; expected names of files"
    ):
        Lavida.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("mllm_config.text_config", "hidden_size", 10**12),
        ("mllm_config.text_config", "num_hidden_layers", 10**9),
        ("mllm_config.text_config", "vocab_size", 50_000_000),
        ("mllm_config.vision_config", "depth", 10**6),
        ("names_config", "max_position_embeddings", 10**8),
        ("sam_config.prompt_encoder_config", "image_size", 10**6),
        ("", "qformer_blocks", 10**9),
        ("", "qformer_queries", 10**8),
        ("", "projector_hidden", 960_000),
    ],
)
def test_sizes_that_no_file_holds(saved: Path, part: str, key: str, value: int) -> None:
    """Refused before memory is asked for: a fifth of a GB more than now would be an error of memory."""
    content: Any = json.loads((saved / "config.json").read_text())
    place = content
    for name in part.split(".") if part else ():
        place = place[name]
    place[key] = value
    place.pop("layer_types", None)  # then the configuration makes a list of all layers
    (saved / "config.json").write_text(json.dumps(content))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        CheckpointError, match=r"expected at most|config\.json describes [\d,]+ weights, the files hold"
    ):
        open_all(saved)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000, "kB"


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "tokenizer.json", "lavida_processor.json"])
def test_damaged_files(saved: Path, file: str) -> None:
    whole = (saved / file).read_bytes()
    for data in (b"", b"[" * 100_000, b"\xff\xfe{", b"null", whole[: len(whole) // 2]):
        (saved / file).write_bytes(data)
        with pytest.raises(LavidaError, match=str(saved)):
            open_all(saved)
    (saved / file).unlink()
    os.mkfifo(saved / file)
    with pytest.raises(LavidaError, match=rf"{file}: is no regular file"):
        open_all(saved)


def test_odd_tokenizers(saved: Path) -> None:
    file = saved / "tokenizer.json"
    plain: Any = json.loads(file.read_text())
    for odd in (
        {"model": {}}, {"model": None}, {"added_tokens": [{"id": -1}]}, {"version": "9"}, {"pre_tokenizer": {"type": "No"}},
    ):  # fmt: skip
        file.write_text(json.dumps(plain | odd))
        with pytest.raises(LavidaError, match=r"no tokenizer can be read|tokenizer: "):
            open_all(saved)


def test_tokens_without_an_embedding(saved: Path) -> None:
    processor = LavidaProcessor.from_pretrained(saved)
    processor.tokenizer.add_tokens([f"<more {number}>" for number in range(3000)])
    processor.save_pretrained(saved)
    with pytest.raises(LavidaError, match=r"tokenizer: a token \d+; expected fewer than the \d+ of the model"):
        open_all(saved)


def test_names_that_are_longer_than_the_model_reads(saved: Path) -> None:
    change(saved / "names_tokenizer" / "tokenizer_config.json", model_max_length=10**9)
    with pytest.raises(LavidaError, match=r"tokenizer of the names: texts of 1000000000 tokens; expected at most \d+"):
        open_all(saved)


@pytest.mark.parametrize("change_of", [{"patch_size": 0}, {"frame_size": 10**9}, {"budgets": {"score_clip": ["a", 1]}}])
def test_odd_sizes_of_the_processor(saved: Path, change_of: dict[str, object]) -> None:
    change(saved / "lavida_processor.json", **change_of)
    with pytest.raises(LavidaError, match=r"lavida_processor\.json: sizes .*expected whole numbers from 1"):
        LavidaProcessor.from_pretrained(saved)


def test_every_call_refuses_code_and_pickles() -> None:
    """`from_pretrained` has `trust_remote_code=False`, `torch.load` has `weights_only=True`; nothing else reads pickles."""
    import lavida_bench
    import lavida_gen

    seen = set()
    for package in (lavida, lavida_bench, lavida_gen):
        for file in Path(str(package.__file__)).parent.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                owner, name = ast.unparse(node.func.value), node.func.attr
                options = {option.arg: ast.unparse(option.value) for option in node.keywords}
                place = f"{file}:{node.lineno}"
                if name == "from_pretrained" and not owner.startswith("Lavida"):  # ours checks and passes it itself
                    assert options.get("trust_remote_code") == "False", place
                    seen.add(owner)
                if (owner, name) == ("torch", "load"):
                    assert options.get("weights_only") == "True", place
                    seen.add(name)
                assert (owner, name) not in {("pickle", "load"), ("pickle", "Unpickler"), ("torch", "save")}, place
                assert owner not in {"joblib", "dill", "cloudpickle"}, place
                assert name not in {"save_state", "load_state"}, f"{place}: accelerate writes pickles"
    assert seen == {"AutoTokenizer", "AutoConfig", "load", "kind"}
