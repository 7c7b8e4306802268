"""Predicting anybody's video, with a scorer that can be checked by hand: files, pipes, addresses, folders, ctrl-C."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import rtsp_server
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from lavida_bench.cli import main
from lavida_bench.prediction import overlay, timeline_picture
from lavida_bench.prediction.bar import bar_height
from lavida_bench.prediction.clips import BATCH, DEPTH
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.predict_many import (
    Outcome,
    PredictInput,
    find_inputs,
    finished_prediction,
    predict_all,
    prompt_names,
)
from lavida_bench.prediction.prediction import Prediction, PredictionSettings
from lavida_bench.prediction.segments import AnomalySegment
from lavida_bench.scoring import lavida_scorer
from lavida_bench.scoring.scorer import ClipScores, PendingScores
from lavida_bench.videos import stream as stream_module
from lavida_bench.videos.stream import Stream
from lavida_gen.common.errors import DataError, UserError

NAMES = ("bicycle", "cart")
SIZE = (48, 64)


def film(
    place: Any,
    frames: int = 60,
    bright: range = range(20, 30),
    fps: int = 10,
    kind: str = "mp4",
    size: tuple[int, int] = SIZE,
) -> Any:
    """Grey 60; in `bright` grey 200 with a white square."""
    with av.open(place if isinstance(place, io.BytesIO) else str(place), "w", format=kind) as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for number in range(frames):
            pixels = np.full((*size, 3), 200 if number in bright else 60, np.uint8)
            if number in bright:
                pixels[8:24, 16:40] = 255
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return place


class Grey:
    """Logit: (mean - 130) / 10. Map: above 0 where a pixel is above 220. Name: the second where it is bright."""

    name = "grey"

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.identity = {"toy": "grey"}
        self.ahead = self.most = self.prepared = 0
        self.interrupt_after = interrupt_after

    def prepare(self, clips: Sequence[NDArray[np.uint8]], names: tuple[str, ...]) -> Any:
        assert {clip.shape[0] for clip in clips} == {8}
        self.prepared += len(clips)
        self.ahead += len(clips)
        self.most = max(self.most, self.ahead)
        return np.concatenate(clips)

    def score(self, prepared: Any) -> PendingScores:
        if self.interrupt_after is not None and self.prepared - self.ahead >= self.interrupt_after:
            raise KeyboardInterrupt
        self.ahead -= len(prepared) // 8
        grey = prepared.astype(np.float32).mean(axis=3)
        scores = (grey.mean(axis=(1, 2)) - 130) / 10
        maps = ((grey - 220) / 10).astype(np.float16)
        return lambda: ClipScores(scores, maps, np.stack([-scores, scores], axis=1))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_file_gives_scores_segments_overlay_and_timeline(tmp_path: Path) -> None:
    video, out = film(tmp_path / "v.mp4"), tmp_path / "out"
    found = predict(Grey(), Stream(video), NAMES, out, PredictionSettings(every=2), {"key": "k"})
    assert (found.frames, found.sampled, found.fps, found.every, found.stopped) == (60, 30, 10.0, 2, False)
    scores = rows(out / "scores.csv")
    assert [int(row["frame"]) for row in scores] == list(range(0, 60, 2))
    high = [int(row["frame"]) for row in scores if float(row["probability"]) > 0.5]
    assert high == list(range(20, 30, 2))
    assert {row["name"] for row in scores if int(row["frame"]) in high} == {"cart"}
    (segment,) = rows(out / "segments.csv")
    assert (segment["start"], segment["end"], segment["start_frame"], segment["end_frame"]) == (
        "2.0",
        "3.0",
        "20",
        "30",
    )
    assert segment["name"] == "cart"
    plain = json.loads((out / "result.json").read_text("utf-8"))
    assert (plain["key"], plain["names"], plain["model"]) == ("k", list(NAMES), {"name": "grey", "toy": "grey"})
    assert plain["segments"][0]["start"] == 2.0
    assert Image.open(out / "timeline.png").size == (timeline_picture.WIDTH, timeline_picture.HEIGHT)
    with av.open(str(out / "overlay.mp4")) as made:
        pictures = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in made.decode(video=0)]
    assert len(pictures) == 60
    assert pictures[0][1].shape == (SIZE[0] + bar_height(SIZE[0]), SIZE[1], 3)
    assert [time for time, _ in pictures] == pytest.approx([n / 10 for n in range(60)], abs=0.002)
    red = [int(((p[..., 0].astype(int) - p[..., 1]) > 80)[: SIZE[0]].sum()) for _, p in pictures]
    assert all(count > 20 for count in red[20:30]), "the outline, where it is anomalous"
    assert not any(red[:20] + red[30:])
    assert sorted(path.name for path in out.iterdir()) == [
        "overlay.mp4", "result.json", "scores.csv", "segments.csv", "timeline.png",
    ]  # fmt: skip


@pytest.mark.parametrize(("frames", "sampled"), [(1, 1), (17, 9), (33, 17)])
def test_the_last_clip_may_be_short(tmp_path: Path, frames: int, sampled: int) -> None:
    found = predict(
        Grey(), Stream(film(tmp_path / "v.mp4", frames)), NAMES, tmp_path / "o", PredictionSettings(overlay=False)
    )
    assert (found.frames, found.sampled, found.every) == (frames, sampled, 2)
    assert len(rows(tmp_path / "o" / "scores.csv")) == sampled
    assert not (tmp_path / "o" / "overlay.mp4").exists()


def test_it_stops_after_so_many_seconds_of_the_video(tmp_path: Path) -> None:
    found = predict(
        Grey(), Stream(film(tmp_path / "v.mp4")), NAMES, tmp_path / "o", PredictionSettings(every=1, seconds=2.5)
    )
    assert found.frames == 25
    assert not found.segments or found.segments[0].end == 2.5


def test_readers_do_not_run_ahead_of_the_model(tmp_path: Path) -> None:
    grey = Grey()
    predict(
        grey, Stream(film(tmp_path / "v.mp4", 400)), NAMES, tmp_path / "o", PredictionSettings(every=1, overlay=False)
    )
    assert grey.prepared == 50
    assert BATCH <= grey.most <= BATCH * (DEPTH + 2)


def test_a_pipe_and_an_address_are_read_as_they_come(tmp_path: Path) -> None:
    data = film(io.BytesIO(), kind="mpegts").getvalue()
    read, write = os.pipe()

    def fill() -> None:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(data)

    threading.Thread(target=fill, daemon=True).start()
    with os.fdopen(read, "rb") as pipe:
        stream = Stream(pipe)
        assert stream.live
        found = predict(Grey(), stream, NAMES, tmp_path / "pipe", PredictionSettings(every=2))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        stream = Stream(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert stream.live
        other = predict(Grey(), stream, NAMES, tmp_path / "address", PredictionSettings(every=2))
    assert (found.frames, other.frames) == (60, 60)
    assert [(s.start_frame, s.end_frame) for s in found.segments + other.segments] == [(20, 30), (20, 30)]
    with av.open(str(tmp_path / "address" / "overlay.mp4")) as made:
        assert sum(1 for _ in made.decode(video=0)) == 60


def test_a_camera_is_read_by_rtsp(tmp_path: Path) -> None:
    data = film(io.BytesIO(), kind="mpegts", size=(240, 320))
    data.seek(0)
    with rtsp_server.camera(data, 10, hurry=5) as address:
        stream = Stream(address)
        assert stream.live
        found = predict(Grey(), stream, NAMES, tmp_path, PredictionSettings(every=2, overlay=False))
    assert (found.frames, found.fps, found.lost) == (60, 10.0, "")
    assert [(s.start_frame, s.end_frame, s.start) for s in found.segments] == [(20, 30, 2.0)]


def test_a_camera_that_falls_silent_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "TIMEOUT", (10.0, 1.0))
    data = film(io.BytesIO(), kind="mpegts", size=(240, 320))
    data.seek(0)
    with rtsp_server.camera(data, 10, hurry=5, silent_after=40) as address:
        (made,) = predict_all(Grey(), [PredictInput(address, tmp_path)], NAMES, PredictionSettings(every=2), False, bar)
    assert made.prediction is not None
    assert made.prediction.frames == 40
    assert [(s.start_frame, s.end_frame) for s in made.prediction.segments] == [(20, 30)]
    assert "  broke off after 0:03.9 (nothing came for too long); what came before is kept" in made.text()
    assert json.loads((tmp_path / "result.json").read_text("utf-8"))["lost"] == "nothing came for too long"


def test_ctrl_c_ends_a_stream_well(tmp_path: Path) -> None:
    found = predict(
        Grey(interrupt_after=2), Stream(film(tmp_path / "v.mp4")), NAMES, tmp_path / "o", PredictionSettings(every=1)
    )
    assert found.stopped
    assert found.frames == 8 * BATCH
    assert json.loads((tmp_path / "o" / "result.json").read_text("utf-8"))["stopped"] is True
    with av.open(str(tmp_path / "o" / "overlay.mp4")) as made:
        assert sum(1 for _ in made.decode(video=0)) == 8 * BATCH


def bar(total: int | None, what: str) -> Any:
    return nullcontext(lambda frames: None)


def test_a_folder_goes_on_where_it_stopped_and_reports_broken_videos(tmp_path: Path) -> None:
    for name in ("b.mp4", "a.mp4"):
        film(tmp_path / name, 20)
    (tmp_path / "bad.mp4").write_bytes(b"no video at all" * 100)
    found = find_inputs(str(tmp_path), tmp_path / "out", nested=False)
    assert [Path(source.place).name for source in found] == ["a.mp4", "b.mp4", "bad.mp4"]
    settings = PredictionSettings(overlay=False)
    outcomes = predict_all(Grey(), found, NAMES, settings, False, bar)
    assert [bool(outcome.error) for outcome in outcomes] == [False, False, True]
    assert "bad.mp4: cannot be opened" in outcomes[2].text()
    assert (tmp_path / "out" / "a" / "result.json").is_file()
    grey = Grey()
    again = predict_all(grey, found[:2], NAMES, settings, False, bar)
    assert ([outcome.kept for outcome in again], grey.prepared) == ([True, True], 0)
    assert again[0].prediction == outcomes[0].prediction
    assert "(done before)" in again[0].text()
    film(tmp_path / "a.mp4", 33)
    changed = predict_all(
        grey, find_inputs(str(tmp_path), tmp_path / "out", nested=False)[:2], NAMES, settings, False, bar
    )
    assert [outcome.kept for outcome in changed] == [False, True]
    assert not any(outcome.kept for outcome in predict_all(grey, found[1:2], ("other",), settings, False, bar))
    assert not any(outcome.kept for outcome in predict_all(grey, found[1:2], ("other",), settings, True, bar))


def test_names_may_hold_commas(tmp_path: Path) -> None:
    predict(
        Grey(),
        Stream(film(tmp_path / "v.mp4", 20)),
        ('red, "old"', "car, red"),
        tmp_path,
        PredictionSettings(overlay=False),
    )
    assert {row["name"] for row in rows(tmp_path / "scores.csv")} == {'red, "old"'}


def test_a_video_that_the_model_cannot_take_ends_alone(tmp_path: Path) -> None:
    film(tmp_path / "b.mp4", 8)
    film(tmp_path / "a.mp4", 8, size=(4, 1000))
    scorer = lavida_scorer.load_scorer("tiny")
    found = find_inputs(str(tmp_path), tmp_path / "out", nested=False)
    bad, good = predict_all(scorer, found, NAMES, PredictionSettings(overlay=False), False, bar)
    assert bad.text().startswith(f"{tmp_path}/a.mp4: frame of 4 x 1000 pixels; expected sides that differ by at most")
    assert not list((tmp_path / "out" / "a").iterdir())
    assert not good.error


def test_scores_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    class Broken(Grey):
        def score(self, prepared: Any) -> PendingScores:
            made = super().score(prepared)()
            made.frames[1] = np.nan
            return lambda: made

    with pytest.raises(DataError, match=r"v\.mp4, frame 2: score nan; expected a finite score; take another model$"):
        predict(Broken(), Stream(film(tmp_path / "v.mp4", 20)), NAMES, tmp_path / "o", PredictionSettings(every=2))
    assert not (tmp_path / "o" / "result.json").exists()
    assert not (tmp_path / "o" / "overlay.mp4").exists()


@pytest.mark.parametrize("device", ["foo", "cuda:99"])
def test_a_device_that_is_not_there(device: str) -> None:
    with pytest.raises(UserError, match=rf"--device {device}: cannot be used \(.+\); expected cpu, cuda, cuda:1 or"):
        lavida_scorer.load_scorer("tiny", device=device)


def test_sizes_are_those_of_the_model_whatever_the_processors_file_has(tmp_path: Path) -> None:
    from lavida.modeling import Lavida
    from lavida.processing import LavidaProcessor, Sizes

    Lavida.from_preset("tiny", random=True).save_pretrained(tmp_path)
    processor = LavidaProcessor.from_preset("tiny")
    wanted = processor.sizes
    processor.sizes = Sizes(**{**asdict(wanted), "frame_size": 128, "patch_size": 16})
    processor.save_pretrained(tmp_path)
    assert lavida_scorer.load_scorer(str(tmp_path)).processor.sizes == wanted


def test_a_stopped_prediction_is_not_done(tmp_path: Path) -> None:
    predict(
        Grey(interrupt_after=1), Stream(film(tmp_path / "v.mp4")), NAMES, tmp_path, PredictionSettings(1), {"key": "k"}
    )
    assert finished_prediction(tmp_path, "k") is None


OVERLAY = """
import hashlib, sys
from pathlib import Path
import av
import numpy as np
from lavida_bench.prediction.overlay import OverlayWriter
noise = np.random.default_rng(0)
with OverlayWriter(Path(sys.argv[1]), 10.0) as writer:
    for number in range(48):
        pixels = noise.integers(40, 90, (120, 144, 3), np.uint8)
        pixels[30:60, 2 * number : 2 * number + 30] = 230
        writer.write(av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p"), number / 10)
    writer.finish()
print(hashlib.sha256(Path(sys.argv[1]).read_bytes()).hexdigest())
"""


def test_an_overlay_has_the_same_bytes_at_each_run(tmp_path: Path) -> None:
    """Whatever the memory held before: glibc fills what it allocates with another byte in each process."""
    words = [sys.executable, "-c", OVERLAY, str(tmp_path / "overlay.mp4")]
    digests = {
        subprocess.run(
            words, env=os.environ | {"MALLOC_PERTURB_": byte}, capture_output=True, text=True, check=True
        ).stdout
        for byte in ("1", "85", "170")
    }
    assert len(digests) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["overlay.mp4"]


@pytest.mark.slow
def test_a_prediction_that_was_cut_off_is_made_again_whole(tmp_path: Path) -> None:
    video = film(tmp_path / "v.mp4", 40)
    predict(Grey(), Stream(video), NAMES, tmp_path / "whole", PredictionSettings(every=2))
    code = f"""
import os, signal, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}]
from pathlib import Path
from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.videos.stream import Stream
from test_predict import Grey, NAMES
write = OverlayWriter.write
def killed(self, frame, seconds):
    write(self, frame, seconds)
    if seconds > 1.5:
        os.kill(os.getpid(), signal.SIGKILL)
OverlayWriter.write = killed
predict(Grey(), Stream({str(video)!r}), NAMES, Path({str(tmp_path / "cut")!r}), PredictionSettings(every=2))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert len(list((tmp_path / "cut").glob("*.partial-*"))) == 2, "scores and overlay"
    predict(Grey(), Stream(video), NAMES, tmp_path / "cut", PredictionSettings(every=2))
    whole, cut = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("whole", "cut"))
    assert whole.keys() == cut.keys()
    assert all(whole[name] == cut[name] for name in whole if name != "result.json")


def test_two_predictions_never_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, out = find_inputs(str(film(tmp_path / "v.mp4", 20)), tmp_path / "out", nested=False), tmp_path / "out"
    predict_all(Grey(), found, NAMES, PredictionSettings(), False, bar)
    assert (out / "overlay.mp4").is_file()

    def cut_off(writer: overlay.OverlayWriter) -> None:
        assert not (out / "result.json").exists(), "gone before the first file gets its name"
        raise SystemExit

    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(overlay.OverlayWriter, "finish", cut_off)
        predict_all(Grey(), found, ("other",), PredictionSettings(), False, bar)
    (outcome,) = predict_all(Grey(), found, NAMES, PredictionSettings(), False, bar)
    assert not outcome.kept, "what is there may be of both"
    predict_all(Grey(), found, ("other",), PredictionSettings(overlay=False), False, bar)
    assert not (out / "overlay.mp4").exists()
    predict(Grey(interrupt_after=0), Stream(found[0].place), NAMES, out)
    assert {path.name for path in out.iterdir()} == {"result.json", "scores.csv", "segments.csv"}


def test_a_failed_prediction_leaves_the_earlier_one(tmp_path: Path) -> None:
    class Broken(Grey):
        def score(self, prepared: Any) -> PendingScores:
            raise DataError("broken")

    found, out = find_inputs(str(film(tmp_path / "v.mp4", 20)), tmp_path / "out", nested=False), tmp_path / "out"
    predict_all(Grey(), found, NAMES, PredictionSettings(), False, bar)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert predict_all(Broken(), found, ("other",), PredictionSettings(), False, bar)[0].error
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_outcomes_as_text_and_json() -> None:
    made = Prediction("v.mp4", 60, 30, 6.0, 10.0, 2, segments=[AnomalySegment(2, 3, 20, 30, 0.9, 2.4, 0.8, "cart")])
    outcome = Outcome(PredictInput("v.mp4", Path("o")), made)
    assert outcome.text() == (
        "v.mp4: 60 frames, 30 scored, 1 segments -> o\n  0:02.0 - 0:03.0   peak 0.90 at 0:02.4   cart"
    )
    assert outcome.plain()["segments"][0]["name"] == "cart"
    assert Outcome(PredictInput("x", Path("o")), error="broken").plain() == {
        "source": "x",
        "out": "o",
        "error": "broken",
    }


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("nothing.mp4", r"nothing\.mp4: no such file; expected a video, a folder, an address"),
        ("empty", "empty: no video in it; expected files such as NAME.mp4"),
    ],
)
def test_sources_that_are_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        find_inputs(source, tmp_path / "out", nested=True)


def test_streams_that_cannot_be_opened(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DataError, match=r"cannot be opened .*is the address right, and does the camera send"):
        Stream(f"tcp://127.0.0.1:{port}")
    (tmp_path / "v.mp4").write_bytes(b"x" * 4000)
    with pytest.raises(DataError) as refused:
        Stream(str(tmp_path / "v.mp4"))
    message = f"{tmp_path}/v.mp4: cannot be opened (Invalid data found when processing input); expected a video; is it a video file?"
    assert str(refused.value) == message
    assert Outcome(PredictInput(f"{tmp_path}/v.mp4", tmp_path), error=message).text() == message
    assert Outcome(PredictInput("-", tmp_path), error="<stdin>: broken").text() == "-: <stdin>: broken"
    (tmp_path / "v.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"v\.mp4: empty file; expected a video; is it a video file\?$"):
        Stream(tmp_path / "v.mp4")


def test_names_by_commas_and_from_a_file(tmp_path: Path) -> None:
    assert prompt_names(" a  bicycle, fight") == ("a bicycle", "fight")
    assert "fighting" in prompt_names("generic")
    (tmp_path / "n.txt").write_text("# mine\n cart \n\nfight\n")
    assert prompt_names(str(tmp_path / "n.txt")) == ("cart", "fight")
    with pytest.raises(UserError, match="--names: an empty name"):
        prompt_names("a,,b")
    with pytest.raises(UserError, match="'a' appears twice"):
        prompt_names("a,b,a")
    with pytest.raises(UserError, match=r"--names 'nolist\.txt': no such file; expected .*names by commas"):
        prompt_names("nolist.txt")
    assert prompt_names(None, needed=False) == ()
    with pytest.raises(
        UserError, match=r'--names: not given; expected what is anomalous, by commas \("bicycle, fight"\)'
    ):
        prompt_names(None)
    with pytest.raises(UserError, match="--names benchmark: this is no benchmark; expected names by commas, generic"):
        prompt_names("benchmark")


@pytest.mark.slow
def test_the_real_model_predicts_through_the_command(tmp_path: Path) -> None:
    film(tmp_path / "v.mp4", 24)
    words = [
        "predict",
        str(tmp_path / "v.mp4"),
        "--names",
        "bicycle, cart",
        "--model",
        "tiny",
        "-o",
        str(tmp_path / "o"),
    ]
    result = CliRunner().invoke(main, [*words, "--json"])
    assert result.exit_code == 0, result.output
    plain = json.loads(result.stdout)
    assert (plain["frames"], plain["sampled"]) == (24, 12)
    assert {row["name"] for row in rows(tmp_path / "o" / "scores.csv")} <= {"bicycle", "cart"}
