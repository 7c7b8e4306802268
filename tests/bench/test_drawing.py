"""Frames are drawn into as they are stored, with what they have in common drawn once: it looks as plain drawing in RGB does."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from PIL import Image, ImageDraw, ImageFont
from test_predict import NAMES, Grey

from lavida_bench.prediction import bar, drawing, veil
from lavida_bench.prediction.drawing import Drawing
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.prediction.segments import ScoredFrame
from lavida_bench.prediction.timeline_picture import Peaks
from lavida_bench.videos import regions
from lavida_bench.videos.picture import Picture
from lavida_bench.videos.planes import Planes, from_rgb
from lavida_bench.videos.stream import Stream

SIZE = (92, 120)
HIGH = ScoredFrame(0, 0.0, 2.0, 0.9, "cart")


def smooth(size: tuple[int, int] = SIZE, turn: int = 0, seed: int = 0) -> Picture:
    """A picture without sharp edges, so that colours of half the size lose little."""
    small = np.random.default_rng(seed).integers(30, 220, (5, 6, 3), np.uint8)
    pixels = cv2.resize(small, size[::-1], interpolation=cv2.INTER_CUBIC)
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return Picture(frame, size, turn).shrink(VideoReformatter(), 960)


def rgb(frame: av.VideoFrame) -> np.ndarray:
    return VideoReformatter().reformat(frame, format="rgb24").to_ndarray().astype(int)


def drawn_in_rgb(pixels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Tint and outline as the plain formula and OpenCV draw them."""
    want = pixels.astype(np.uint8)
    inside = regions.enlarge(scores, want.shape[:2]) > 0
    want[inside] = (want[inside] * 0.7 + np.array(bar.ALARM) * 0.3).astype(np.uint8)
    lines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    cv2.drawContours(want, lines, -1, bar.INK, 4, cv2.LINE_AA)
    cv2.drawContours(want, lines, -1, bar.ALARM, 2, cv2.LINE_AA)
    return want


@pytest.mark.parametrize("turn", [0, 1])
@pytest.mark.parametrize("shift", [-9.0, -1.0, 0.0, 2.0, 9.0])
def test_what_is_anomalous_looks_as_the_plain_formula_makes_it(shift: float, turn: int) -> None:
    """From maps that are anomalous nowhere to everywhere, beside RGB that is drawn into and then stored by H.264."""
    picture = smooth(turn=turn)
    before = [plane.copy() for plane in picture.planes()]
    scores = np.random.default_rng(1).normal(shift, 1, (5, 4)).astype(np.float16)
    shown = picture.pixels(VideoReformatter())
    want = from_rgb(drawn_in_rgb(shown, scores), picture.frame.colorspace, VideoReformatter())
    frame = Drawing(0.5).draw(picture, 1.0, HIGH, scores)
    for plane, plain in zip(Planes.of(frame), want, strict=True):
        apart = np.abs(plane[: plain.shape[0]].astype(int) - plain)
        assert apart.mean() < 2, "RGB rounds on the way, and the plain formula cuts off"
        assert np.quantile(apart, 0.99) <= 8
        assert apart.max() <= 40
    assert all(np.array_equal(old, plane) for old, plane in zip(before, picture.planes(), strict=True)), "a copy"


def test_outside_of_an_anomaly_the_frame_is_as_it_was() -> None:
    picture, scores = smooth(), np.full((8, 8), -9.0, np.float32)
    scores[3, 3] = 9
    for row, map_ in ((HIGH, None), (ScoredFrame(0, 0.0, -2.0, 0.1), scores), (HIGH, scores)):
        found = Planes.of(Drawing(0.5).draw(picture, 0.0, row, map_))
        for plane, plain in zip(found, picture.planes(), strict=True):
            changed = plane[: plain.shape[0]] != plain
            assert changed.any() == (row is HIGH and map_ is not None)
            far = changed.shape[0] * 3 // 4, changed.shape[1] * 3 // 4
            assert not changed[far[0] :].any()
            assert not changed[:, far[1] :].any()


def test_a_veil_and_text_are_made_once_for_frames_that_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    for name in ("make_veil", "draw_bar"):
        whole = getattr(drawing, name)
        monkeypatch.setattr(drawing, name, lambda *words, n=name, f=whole: (made.append(n), f(*words))[1])
    draw, scores = Drawing(0.5), np.ones((4, 4), np.float32)
    first, again, later = (draw.draw(smooth(), seconds, HIGH, scores) for seconds in (1.0, 1.04, 1.1))
    assert made == ["make_veil", "draw_bar", "draw_bar"]
    assert np.array_equal(first.to_ndarray(), again.to_ndarray())
    assert not np.array_equal(first.to_ndarray(), later.to_ndarray())
    draw.draw(smooth(), 1.1, ScoredFrame(5, 1.1, 2.0, 0.9, "cart"), scores)
    assert made[3:] == ["make_veil", "draw_bar"]


@pytest.mark.parametrize("height", [24, 34, 38, 40, 50])
def test_figures_one_by_one_look_as_a_whole_text(height: int) -> None:
    font = ImageFont.load_default(height * 0.55)
    for text in ("0:07.3   0.93   ", "1:02:58.9   1.00   ", "12:34.6   0.50   "):
        image = Image.new("RGB", (round(font.getlength(text)), height), bar.GROUND)
        ImageDraw.Draw(image).text((0, height / 2), text, bar.INK, font, anchor="lm")
        found = bar.draw_bar((height, 600), 0.0, 0.5, text, "")[:, height // 4 : height // 4 + image.width]
        assert np.array_equal(found, np.asarray(image))


def test_the_smallest_pictures_can_be_drawn_into() -> None:
    for size in ((2, 2), (2, 64), (64, 2), (6, 10)):
        picture = smooth(size)
        frame = Drawing(0.5, "a notice").draw(picture, 0.0, HIGH, np.ones((3, 3), np.float32))
        assert (frame.width, frame.height % 2) == (size[1], 0)
    assert veil.make_veil(np.zeros((3, 3), np.float32), (6, 10), 2) is None


@pytest.mark.parametrize(
    ("kind", "space", "limits"),
    [
        ("yuv420p", Colorspace.ITU601, ColorRange.MPEG),
        ("yuv420p", Colorspace.ITU709, ColorRange.MPEG),
        ("yuv420p", Colorspace.ITU709, ColorRange.JPEG),
        ("yuvj420p", Colorspace.ITU601, ColorRange.JPEG),
        ("yuv444p", Colorspace.ITU709, ColorRange.MPEG),
    ],
)
def test_an_overlay_has_the_colours_of_its_video(
    tmp_path: Path, kind: str, space: Colorspace, limits: ColorRange
) -> None:
    """Whatever matrix and range a video states, as players read them."""
    ground = np.zeros((96, 128, 3), np.uint8)
    ground[:, :64], ground[:, 64:] = (200, 40, 60), (30, 90, 220)
    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=5, options={"crf": "4"})
        stream.height, stream.width, stream.pix_fmt = 96, 128, kind
        stream.codec_context.colorspace, stream.codec_context.color_range = int(space), int(limits)
        for number in range(8):
            drawn = av.VideoFrame.from_ndarray(ground, format="rgb24")
            frame = VideoReformatter().reformat(drawn, format=kind, dst_colorspace=space, dst_color_range=limits)
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    predict(Grey(), Stream(tmp_path / "v.mp4"), NAMES, tmp_path / "o", PredictionSettings(every=1))
    for path in (tmp_path / "v.mp4", tmp_path / "o" / "overlay.mp4"):
        with av.open(str(path)) as made:
            shown = rgb(next(made.decode(video=0)))[:96]
        for part in (np.s_[8:88, 8:56], np.s_[8:88, 72:120]):
            assert np.abs(shown[part] - ground[part]).max() <= 6, path.name


def test_the_peaks_of_a_batch_are_those_of_its_frames_one_by_one() -> None:
    noise, pixels = np.random.default_rng(0), np.zeros((4, 6, 3), np.uint8)
    rows = [ScoredFrame(n, n / 7, 0.0, float(noise.integers(0, 9)) / 10) for n in range(200)]
    plain, found = Peaks(12), Peaks(12)
    for row in rows:
        plain.add(row.probability, row.seconds, pixels)
    for first in range(0, 200, 32):
        batch = rows[first : first + 32]
        chosen = found.chosen(batch)
        for row in batch:
            if row.frame in chosen:
                found.add(row.probability, row.seconds, pixels)
    assert found.kept == plain.kept
    assert found.interval == plain.interval > 1
