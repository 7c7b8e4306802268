"""The times of frames: from files, folders, corpora, streams and cameras to the model, and None where none is known."""

from __future__ import annotations

import io
import re
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import drawing
import numpy as np
import pytest
import torch
from benchmark_miniatures import ucsd_ped2
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoConfig

from lavida.config import LavidaConfig
from lavida.modeling import Lavida
from lavida.processing import LavidaProcessor, Sizes
from lavida.tiny.tokenizer import load_tokenizer
from lavida_bench import CorpusDataset
from lavida_bench.benchmarks import _base as benchmarks
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.protocols import protocol as protocols
from lavida_bench.protocols.prompt_names import PromptNames
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.scoring.lavida_scorer import LavidaScorer, load_scorer, scorer_from_model
from lavida_bench.scoring.score import score
from lavida_bench.scoring.scorer import ClipScores, ClipTimes, PendingScores, TimedScorer
from lavida_bench.testing.scorers import check_scorer
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.media import TruncatedVideo
from lavida_bench.videos.stream import Stream
from lavida_bench.videos.types import Pixels, TestVideo
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.corpus.format1 import frame_times
from lavida_gen.corpus.reader import open_corpus

FORMAT1 = Path(__file__).parents[1] / "gen" / "data" / "format1"
UNEVEN = [0, 1, 2, 5, 6, 10, 11, 12, 20, 21]
"""Presentation times in 25ths of a second."""


class Clock:
    """A scorer that notes the times it is given."""

    name = "clock"

    def __init__(self) -> None:
        self.identity = {"clock": 1}
        self.seen: list[ClipTimes] = []

    def prepare(self, clips: Sequence[Pixels], names: tuple[str, ...]) -> Any:
        raise AssertionError("prepare_timed is called instead")

    def prepare_timed(self, clips: Sequence[Pixels], names: tuple[str, ...], seconds: Sequence[ClipTimes]) -> Any:
        self.seen += seconds
        return sum(len(clip) for clip in clips)

    def score(self, prepared: Any) -> PendingScores:
        return lambda: ClipScores(np.zeros(prepared, np.float32))


def rounded(times: Sequence[float] | None) -> list[float] | None:
    return None if times is None else [round(time, 3) for time in times]


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_file_of_an_uneven_rate_has_its_own_times(suffix: str, tmp_path: Path) -> None:
    video = VideoFile(drawing.video(tmp_path / f"v.{suffix}", 10, times=UNEVEN, bframes=2))
    assert rounded(video.seconds(np.arange(10))) == [time / 25 for time in UNEVEN]
    assert rounded(TruncatedVideo(video, 9).seconds(np.array([3, 8, 8]))) == [0.2, 0.8, 0.8]
    test = TestVideo("v", 10, video.size, video, fps=99.0)
    assert rounded(test.seconds(np.array([0, 3]))) == [0.0, 0.2], "the file's times, not the rate"


def test_pictures_without_times_have_none(tmp_path: Path) -> None:
    """FFmpeg invents 25 frames a second for raw H.264."""
    raw = VideoFile(drawing.video(tmp_path / "v.h264", 10, codec="libx264"))
    assert (raw.frame_count, raw.fps, raw.seconds(np.arange(10))) == (10, None, None)
    drawing.images(tmp_path / "frames", [f"{number}.jpg" for number in range(3)])
    assert FrameFolder.from_folder(tmp_path / "frames").seconds(np.arange(3)) is None
    assert FrameFolder.from_folder(tmp_path / "frames", fps=10).seconds(np.array([0, 2, 2])) == [0.0, 0.2, 0.2]


def black(start: int, stop: int, step: int) -> NDArray[np.uint8]:
    return np.zeros((len(range(start, stop, step)), 8, 8, 3), np.uint8)


def test_a_model_sees_the_times_of_the_protocols_frames(tmp_path: Path) -> None:
    """Ped2: every frame of 10 a second; UCF-Crime: every 128th of 30 a second. Both read 0.2 to 3.2 seconds once."""
    ucsd_ped2.draw(tmp_path / "ped2", drawing)
    ped2 = benchmarks.make("ucsd_ped2", tmp_path / "ped2")
    found = scored(ped2.videos(), protocols.make("official", ped2.rules), tmp_path / "a")
    assert rounded(found[0]) == [number / 10 for number in range(8)]
    assert rounded(found[1]) == [0.8, 0.9, *[1.0] * 6], "frames that fill the last clip have their own time"
    ucf = TestVideo("u", 1100, (8, 8), black, 30.0)
    (clip,) = scored([ucf], protocols.make("paper", benchmarks.make("ucf_crime", tmp_path).rules), tmp_path / "b")
    assert rounded(clip) == [round(128 * number / 30, 3) for number in range(8)]
    unknown = TestVideo("f", 8, (8, 8), black)
    assert scored([unknown], protocols.make("official"), tmp_path / "c") == [None]
    qwen3 = qwen3_scorer()
    check_scorer(qwen3)
    frames = [black(0, 8, 1)] * 4
    batch = qwen3.prepare_timed(frames, ("cart",), [found[0], clip, None, [0.0, *[float("nan")] * 7]])
    texts = [qwen3.processor.tokenizer.decode(ids) for ids in batch.input_ids]
    read = [re.findall(r"<([\d.]+) seconds>", text) for text in texts]
    default = ["0.2", "1.2", "2.2", "3.2"]
    assert read == [["0.1", "0.2", "0.5", "0.6"], ["2.1", "10.7", "19.2", "27.7"], default, default]
    plain = qwen3.prepare(frames[:1], ("cart",))
    assert torch.equal(plain.input_ids[0], batch.input_ids[2][batch.attention_mask[2].bool()])
    assert qwen3.identity["times"] == "seconds", "scores without times are not mixed in"
    assert "times" not in load_scorer("tiny").identity


def scored(videos: Sequence[TestVideo], protocol: protocols.EvaluationProtocol, folder: Path) -> list[ClipTimes]:
    """The times of the clips of a scoring."""
    clock = Clock()
    assert isinstance(clock, TimedScorer)
    store = ScoreStore.create(folder, {"model": "clock"})
    store.write_header()
    assert score(clock, videos, protocol, PromptNames("given", ("cart",)), store).failed == {}
    return clock.seen


def qwen3_scorer() -> LavidaScorer:
    """LAVIDA with a Qwen3-VL of one layer."""
    vision = {"depth": 1, "num_heads": 2, "hidden_size": 32, "intermediate_size": 32, "out_hidden_size": 32}
    vision |= {"num_position_embeddings": 16, "deepstack_visual_indexes": [0], "patch_size": 14}
    rope = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10_000.0}
    text = {"vocab_size": 1536, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "head_dim": 16}
    text |= {"num_attention_heads": 2, "num_key_value_heads": 1, "rope_parameters": rope}
    tokens = {"vision_start_token_id": 3, "vision_end_token_id": 4, "image_token_id": 5, "video_token_id": 6}
    mllm = AutoConfig.for_model("qwen3_vl", text_config=text, vision_config=vision, **tokens)
    config = LavidaConfig.preset("tiny", mllm_config=mllm)
    processor = LavidaProcessor(load_tokenizer(), load_tokenizer(names=True), Sizes.from_config(config))
    return scorer_from_model(Lavida(config), processor, "qwen3", device="cpu")


def test_a_corpus_gives_the_times_of_its_records(tmp_path: Path) -> None:
    """Format 1 has a rate, format 2 times; where the rate is 0.0 they are unknown."""
    old = CorpusDataset(FORMAT1, kind="clip")
    rows = {row["key"]: row for row in open_corpus(FORMAT1).rows()}
    for sample in old:
        row = rows[sample.key.rpartition("/")[2]]
        assert row["fps"] > 0
        assert sample.seconds == pytest.approx([number / row["fps"] for number in range(row["frames"])], abs=1e-6)
    assert all(sample.seconds is None for sample in CorpusDataset(FORMAT1, kind="image"))
    record = {"fps": 10.0, "frames": 3, "seconds": [0.0, 0.1, 0.9]}
    assert frame_times(record) == [0.0, 0.1, 0.9]
    assert frame_times(record | {"fps": 0.0, "seconds": [0.0] * 3}) is None
    video = benchmarks.make("corpus", FORMAT1, {"kind": "clip"}).videos()[0]
    assert rounded(video.seconds(np.array([0, 1, 1]))) == [0.0, *[round(1 / rows[video.key]["fps"], 3)] * 2]


def watched(source: Any, folder: Path, every: int = 1) -> list[ClipTimes]:
    clock = Clock()
    predict(clock, Stream(source), ("cart",), folder, PredictionSettings(every=every, overlay=False))
    return clock.seen


def test_a_prediction_has_times_of_presentation_where_there_are_any(tmp_path: Path) -> None:
    uneven = drawing.video(tmp_path / "v.mkv", 10, times=UNEVEN)
    first, last = watched(uneven, tmp_path / "a")
    assert rounded(first) == [time / 25 for time in UNEVEN[:8]]
    assert rounded(last) == [20 / 25, *[21 / 25] * 7]
    assert rounded(watched(uneven, tmp_path / "b", every=2)[0]) == [time / 25 for time in [0, 2, 6, 11, *[20] * 4]]
    raw = drawing.video(tmp_path / "v.h264", 9, codec="libx264")
    assert watched(raw, tmp_path / "c") == [None, None], "25 a second is FFmpeg's invention"
    with raw.open("rb") as pipe:
        assert watched(pipe, tmp_path / "d") == [None, None]


def test_a_camera_that_sends_pictures_alone_has_times_of_arrival(tmp_path: Path) -> None:
    picture = io.BytesIO()
    Image.fromarray(drawing.pictures(1)[0]).save(picture, "JPEG")
    part = b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(4096)
                client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n")
                for _ in range(8):
                    client.sendall(part % (len(picture.getvalue()), picture.getvalue()))
                    time.sleep(0.1)
                client.sendall(b"--f--\r\n")

        threading.Thread(target=serve, daemon=True).start()
        (times,) = watched(f"http://127.0.0.1:{server.getsockname()[1]}/", tmp_path)
    assert times is not None
    assert times[0] == 0.0
    assert 0.3 < times[-1] < 5.0, "8 pictures, a tenth of a second apart"
