"""Every kind of scorer keeps the contract; the errors of those who name one; what reports call it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest
import torch
import transformers
from click.testing import CliRunner
from torch._subclasses.fake_tensor import FakeTensorMode

from lavida.errors import LavidaError
from lavida_bench.cli import main
from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_bench.scorers._checkpoints import find_checkpoint, mark_random
from lavida_bench.scorers._pictures import normalised
from lavida_bench.scorers._preprocessing import edges, three_numbers
from lavida_bench.scoring.score_writer import region_pixels
from lavida_bench.scoring.scorer import FrameRegions
from lavida_bench.testing import check_scorer_kind
from lavida_bench.testing.scorers import scores_of
from lavida_gen import DataError, UserError

SMALL = ("--set", "videos=1", "--set", "frames=16", "--set", "size=[96,144]")
LARGE_CLIP = {
    "projection_dim": 768,
    "text_config": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
    "vision_config": {
        "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16, "num_hidden_layers": 24, "patch_size": 14,
    },
}  # fmt: skip
WITHOUT_RANDOM = {"lavida": "tiny"}
"""Kinds whose contract is checked with another model than random weights."""


@pytest.mark.parametrize("name", scorers.known())
def test_the_contract(name: str) -> None:
    cls = scorers.find_class(name)
    model = WITHOUT_RANDOM.get(name, scorers.RANDOM if cls.about.families else None)
    check_scorer_kind(cls, model, tolerance=0.02 if name == "lavida" else 1e-3)


def noise(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """(height, width, 3) of squares of 8 pixels."""
    return np.repeat(np.repeat(rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8), 8, 0), 8, 1)


def moving_square(steps: list[int]) -> np.ndarray:
    """(T, 128, 192, 3) a square of 64 pixels, moved right by the sum of the steps so far."""
    rng = np.random.default_rng(0)
    ground, square = noise(128, 192, rng), noise(64, 64, rng)
    frames = []
    for left in np.cumsum([16, *steps]):
        frame = ground.copy()
        frame[32:96, left : left + 64] = square
        frames.append(frame)
    return np.stack(frames)


def test_flow_is_high_where_something_moves_and_higher_where_it_moves_faster() -> None:
    flow = scorers.make("flow").open(None, LoadSettings())
    still, slow, fast = (scores_of(flow, [moving_square([step] * 7)], ("x",)) for step in (0, 2, 6))
    assert still.frames == pytest.approx(np.log(1e-3))
    assert (slow.frames > still.frames).all()
    assert (fast.frames > slow.frames).all()
    assert fast.maps is not None
    inside, outside = fast.maps[0, 40:88, 40:72], fast.maps[0, :24]
    assert np.median(inside) > np.median(outside) + 4
    # 6 pixels a step of a picture 128 pixels high, in units of a hundredth of its height
    assert np.median(inside) == pytest.approx(np.log(6 / 128 / 0.01), abs=0.3)


def test_flow_of_frames_that_fill_a_clip_up_is_that_of_the_frame_before() -> None:
    flow = scorers.make("flow").open(None, LoadSettings())
    scores = scores_of(flow, [moving_square([3, 3, 3, 0, 0, 0, 0])], ("x",))
    assert (scores.frames[2:] == scores.frames[2]).all()
    assert scores.frames[2] > 0


def test_the_picture_s_own_motion_is_taken_away() -> None:
    rng = np.random.default_rng(0)
    wide = noise(128, 256, rng)
    clip = np.stack([wide[:, 2 * step : 2 * step + 192] for step in range(8)])
    scores = scores_of(scorers.make("flow").open(None, LoadSettings()), [clip], ("x",))
    assert scores.maps is not None
    assert np.median(scores.maps) < np.log(0.2)  # the camera moves 2 pixels a step, which would be log(1.6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--scorer flwo", "unknown scorer 'flwo'; did you mean 'flow'?"),
        ("--scorer my.module:Mine", "is Python code from outside lavida-gen"),
        ("--scorer flow --model x", "scorer flow has no model; got --model x; leave it out"),
        ("--scorer flow --scorer-set sied=3", "scorer flow: unknown option 'sied'; did you mean 'side'?"),
        ("--scorer flow --scorer-set side=3", "scorer flow: option side: "),
        ("--scorer flow --scorer-set side", "--scorer-set side: no '='; expected KEY=VALUE"),
        ("--scorer flow --compile", "--compile: scorer flow has nothing to compile; leave it out"),
        ("", "--model is missing; expected a folder that a fit wrote, OWNER/NAME on the Hub, or tiny"),
    ],
)
def test_errors(tmp_path: Path, words: str, message: str) -> None:
    out = tmp_path / "run"
    result = CliRunner().invoke(main, ["score", "street", *words.split(), *SMALL, "--out", str(out)])
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert not (out / "scores").exists()


def test_a_model_of_another_family_is_refused_before_it_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no config\.json in it; expected a folder that transformers'"):
        find_checkpoint(str(tmp_path), "clip", ("clip",))
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    (tmp_path / "model.safetensors").touch()
    (tmp_path / "tokenizer.json").touch()
    with pytest.raises(UserError, match=r'model_type "bert", which scorer clip does not take; expected clip or siglip'):
        find_checkpoint(str(tmp_path), "clip", ("clip", "siglip"))
    with pytest.raises(
        UserError, match="model nowhere: no such folder; expected a folder, OWNER/NAME on the Hub, or random"
    ):
        find_checkpoint("nowhere", "clip", ("clip",))
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    assert find_checkpoint(str(tmp_path), "clip", ("clip",)).mark == ""
    mark_random(tmp_path)
    found = find_checkpoint(str(tmp_path), "clip", ("clip",))
    assert (found.name, found.mark) == ("tiny clip", "random weights")
    assert "has random weights" in found.notice


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"image_mean": [0.5, 0.5]}, r"image_mean = \[0\.5, 0\.5\]; expected three positive numbers"),
        ({"image_mean": [0.5, "a", 0.5]}, "expected three positive numbers"),
        ({"size": {"shortest_edge": 10**9}}, "expected whole numbers of pixels, at most 8,192, the shorter one first"),
        ({"size": "large"}, "expected whole numbers of pixels"),
    ],
)
def test_odd_values_of_a_checkpoint_s_processor(tmp_path: Path, content: dict[str, object], message: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=message):
        three_numbers(tmp_path, "image_mean", (0.5, 0.5, 0.5))
        edges(tmp_path, 800, 1333)


@pytest.mark.parametrize("name", [name for name in scorers.known() if scorers.find_class(name).about.models])
def test_code_pickles_and_false_sizes_of_a_checkpoint_are_refused(tmp_path: Path, name: str) -> None:
    kind = scorers.make(name)
    kind.write_random(tmp_path, 0)
    config = json.loads((tmp_path / "config.json").read_text())

    def refused(message: str, **change: object) -> None:
        (tmp_path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises((LavidaError, UserError), match=message):
            kind.open(str(tmp_path), LoadSettings(precision="fp32", device="cpu"))

    from safetensors.torch import load_file, save_file

    weights = load_file(tmp_path / "model.safetensors")
    save_file(dict([*weights.items()][1:]), tmp_path / "model.safetensors", {"format": "pt"})
    refused("1 keys missing")
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    refused("names Python code", auto_map={"AutoModel": "evil.Model"})
    refused("wants the attention 'somebody/kernel'", attn_implementation="somebody/kernel")
    text = config.get("text_config", config)
    refused("hidden_size = |vocab_size = |describes", text_config={**text, "vocab_size": 10**9})
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    refused("no weights as safetensors")
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    refused("can be read|is no safetensors file")
    for path in tmp_path.glob("*token*"):
        path.unlink()
    for path in tmp_path.glob("vocab*"):
        path.unlink()
    refused("no tokenizer; expected spiece.model or tokenizer.json")


def test_pictures_are_normalised_on_their_device() -> None:
    """A GPU's tensors, without a GPU."""
    with FakeTensorMode():
        pixels = torch.empty(1, 3, 8, 8, dtype=torch.uint8, device="cuda")
        assert normalised(pixels, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).device.type == "cuda"


@pytest.mark.parametrize("name", ["lavida", "vlm"])
def test_rotary_frequencies_stay_float32_in_half_precision(name: str) -> None:
    """bfloat16 would turn late positions by whole radians."""
    model = WITHOUT_RANDOM.get(name, scorers.RANDOM)
    scorer: Any = scorers.make(name).open(model, LoadSettings(precision="bf16", device="cpu"))
    found = {name: buffer.dtype for name, buffer in scorer.model.named_buffers() if name.endswith("inv_freq")}
    assert found
    assert set(found.values()) == {torch.float32}
    assert next(scorer.model.parameters()).dtype == torch.bfloat16


def test_boxes_of_a_detector_are_in_the_video_s_pixels() -> None:
    boxes = np.array([[0.25, 0.5, 0.75, 1.5], [-0.5, 0, 0, 1], [0.1, 0.1, 0.1, 0.2]], np.float32)
    got, scores = region_pixels(FrameRegions(boxes, np.array([1, 2, 3], np.float32)), (100, 200))
    assert got.tolist() == [[50, 50, 150, 100]]
    assert scores.tolist() == [1]


def test_a_run_scores_with_several_scorers_in_one_table(tmp_path: Path) -> None:
    small = {"benchmark": "street", "options": {"videos": 2, "frames": 16, "size": [96, 144]}, "scorer": "flow"}
    raw = {
        "name": "both", "model": {"preset": "tiny"},
        "score": [small, {**small, "label": "wide", "scorer_options": {"share": 0.1}}],
    }  # fmt: skip
    recipe, out = tmp_path / "both.yaml", tmp_path / "run"
    recipe.write_text(json.dumps(raw))
    result = CliRunner().invoke(main, ["run", "-r", str(recipe), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert {path.name for path in (out / "scores").iterdir()} == {"street-flow", "wide"}
    report = (out / "report.md").read_text()
    assert re.search(r"street: flow, protocol official", report)
    assert re.search(r"street: flow \(wide\), protocol official", report)
    again = CliRunner().invoke(main, ["run", "-r", str(recipe), "-o", str(out)])
    assert again.output.count(": done ") == 2, again.output


def test_predict_takes_a_scorer(tmp_path: Path) -> None:
    drawing.video(tmp_path / "walk.mp4", 16)
    words = ["predict", str(tmp_path / "walk.mp4"), "--names", "x", "--scorer", "flow", "--no-overlay"]
    result = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out" / "result.json").read_text())["model"]["scorer"] == "flow"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scorer", "place", "model", "config", "given"),
    [
        ("clip", 0, "Siglip2Model", "Siglip2Config", {"text_config": {"vocab_size": 256_000}}),
        ("clip", 1, "CLIPModel", "CLIPConfig", LARGE_CLIP),
        ("detector", 0, "GroundingDinoForObjectDetection", "GroundingDinoConfig", {}),
        ("detector", 1, "Owlv2ForObjectDetection", "Owlv2Config", {}),
        ("sam3", 0, "Sam3Model", "Sam3Config", {}),
    ],
)
def test_sizes_of_the_public_models(scorer: str, place: int, model: str, config: str, given: dict[str, Any]) -> None:
    """The default configuration of these classes is the public model's, but for what is given."""
    with torch.device("meta"):
        made: Any = getattr(transformers, model)(getattr(transformers, config)(**given))
    count = sum({id(weights): weights.numel() for weights in made.parameters()}.values())
    assert round(count / 1e6) == scorers.find_class(scorer).about.models[place].parameters


def test_the_list_and_a_description() -> None:
    listed = CliRunner().invoke(main, ["scorers"])
    assert listed.exit_code == 0, listed.output
    assert all(re.search(rf"^{name} ", listed.output, re.MULTILINE) for name in scorers.known())
    shown = CliRunner().invoke(main, ["scorers", "flow"])
    assert "log(speed / `usual`)" in shown.output
    assert "speed that scores 0, in picture heights a step" in shown.output
    plain = json.loads(CliRunner().invoke(main, ["scorers", "flow", "--json"]).output)
    assert plain["options"]["properties"]["side"]["default"] == 128


STRANGER = '''
"""Brightness: a frame's score is its mean grey, in units of 64 above 128; higher = more anomalous."""
import numpy as np
from lavida_bench.scorers._base import ScorerInfo, ScorerKind
from lavida_bench.scoring.scorer import ClipScores


class Bright(ScorerKind):
    about = ScorerInfo(title="mean grey of a frame", outputs=("frames",), reads_names=False)

    def load(self, where, how):
        return BrightScorer(self.name)


class BrightScorer:
    def __init__(self, name):
        self.name, self.identity = "bright", {"scorer": name}

    def prepare(self, clips, names):
        return np.concatenate(clips)

    def score(self, prepared):
        return lambda: ClipScores(((prepared.mean(axis=(1, 2, 3)) - 128) / 64).astype(np.float32))
'''


def test_a_stranger_s_scorer_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lanterns.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(tmp_path)
    words = ["score", "street", *SMALL, "--scorer", "lanterns:Bright", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, [*words, "--allow-code"])
    assert result.exit_code == 0, result.output
    header = next((tmp_path / "run" / "scores").glob("*/*.json")).read_text()
    assert '"scorer": "lanterns:Bright"' in header
    assert '"scorer_provider": "lanterns sha256:' in header
    check_scorer_kind(scorers.find_class("lanterns:Bright", allow_code=True), None)
