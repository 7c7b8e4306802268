"""What a run folder holds: results.json and its schema, tables, Markdown, curves and pictures of videos."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from jsonschema import validate
from numpy.typing import NDArray

from lavida_bench.baselines import _base as baseline
from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.cli import main
from lavida_bench.evaluation.curve import BINS, peaks, spans, timeline
from lavida_bench.evaluation.measure import Measurement, MeasureSettings, ViewCollector, measure
from lavida_bench.evaluation.thumbnails import highlight, outline_path, peak_thumbnails
from lavida_bench.metrics import _base as metric
from lavida_bench.metrics._base import Estimate, MetricResult
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.reporting import run_folder as report
from lavida_bench.reporting import table
from lavida_bench.reporting.console import entry_lines
from lavida_bench.reporting.markdown import markdown
from lavida_bench.reporting.remarks import remarks
from lavida_bench.reporting.variants import variant_details
from lavida_bench.results import published, results_json
from lavida_bench.results.provenance import command_line, current_provenance
from lavida_bench.results.results_json import ResultEntry, RunResults
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError

FEW = MeasureSettings(bootstrap=Bootstrap(20))


def measured(root: Path, method: str = "mine", how: MeasureSettings = FEW, **more: Any) -> Measurement:
    """`frame_difference` under another name on the small benchmark."""
    opened = benchmark.make("folder", root)
    scorer = baseline.make("frame_difference")
    pairs = ((one, scorer.score(one, baseline.rng_for(0, one.key))) for one in opened.videos())
    return measure(
        opened,
        protocols.make("official", opened.rules),
        pairs,
        method,
        current_provenance({}, "the command"),
        how=how,
        **more,
    )


def test_a_run_folder_survives_reading(tmp_path: Path, small_folder: Path) -> None:
    made = measured(small_folder, names=("dog", "bicycle"), warnings=("look out",), how=replace(FEW, smoothing=1.0))
    report.add(tmp_path / "run", made)
    found = results_json.read(tmp_path / "run")
    assert found == RunResults((made.entry,))
    entry = found.entries[0]
    assert entry.names == ("dog", "bicycle")
    assert entry.result.warnings[-1] == "look out"
    assert [one.method for one in entry.baselines] == list(baseline.known())
    assert entry.result.metrics["pixel_auc"].headline.low is not None
    assert entry.provenance.command == "the command"
    assert {"lavida-gen", "python", "numpy"} <= set(entry.provenance.versions)


def test_results_follow_their_schema(tmp_path: Path, small_folder: Path) -> None:
    report.add(tmp_path, measured(small_folder))
    plain = json.loads((tmp_path / "results.json").read_text())
    validate(plain, results_json.json_schema())
    assert plain["schema"] == results_json.SCHEMA
    assert plain["entries"][0]["result"]["coverage"]["share"] == 1.0
    with pytest.raises(Exception, match="'videos' is a required property"):
        broken = json.loads(json.dumps(plain))
        del broken["entries"][0]["result"]["coverage"]["videos"]
        validate(broken, results_json.json_schema())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"no such file; expected the results of a run; give a folder that `lavida-bench run`"),
        ("{", r"is not valid JSON .*score again"),
        ("[]", r"schema \[\]; expected 1; score again with this version"),
        ('{"schema": 7}', r"schema 7; expected 1; score again with this version"),
        ('{"schema": 1, "entries": [{"result": {}}]}', r"entries.0.result.benchmark: .*the file was changed by hand"),
    ],
)
def test_results_that_cannot_be_read(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "results.json").write_text(text)
    with pytest.raises(DataError, match=rf"results\.json(:1:2)?: {message}"):
        results_json.read(tmp_path)


def test_a_run_folder_holds_several_and_replaces_the_same(tmp_path: Path, small_folder: Path) -> None:
    one, other = measured(small_folder), measured(small_folder, "other")
    for made in (one, other, measured(small_folder, names=("again",))):
        page = report.add(tmp_path, made)
    entries = results_json.read(tmp_path).entries
    assert [entry.result.method for entry in entries] == ["mine", "other"]
    assert entries[0].names == ("again",)
    assert sorted(p.name for p in (tmp_path / "pictures").iterdir()) == [
        "folder-official-2-mine", "folder-official-2-mine.json", "folder-official-2-other", "folder-official-2-other.json",
    ]  # fmt: skip
    before = page.read_bytes()
    assert report.render(tmp_path).read_bytes() == before
    assert f"<title>{tmp_path.name}: results</title>" in before.decode()
    (tmp_path / "recipe.yaml").write_text("name: tried")
    assert "<title>tried: results</title>" in report.render(tmp_path).read_text("utf-8")
    (tmp_path / "recipe.yaml").unlink()
    (tmp_path / "pictures" / "folder-official-2-mine.json").unlink()
    assert len(report.render(tmp_path).read_bytes()) < len(before)
    (tmp_path / "pictures" / "folder-official-2-other.json").write_text("{")
    with pytest.raises(DataError, match=r"other.json:1:2: is not valid JSON .*; remove it, or report again"):
        report.render(tmp_path)
    for odd in ("5", "[1]", "[{}]"):
        (tmp_path / "pictures" / "folder-official-2-other.json").write_text(odd)
        with pytest.raises(DataError, match=r"other.json: no list of what a report shows of each video; remove it"):
            report.render(tmp_path)
    for number in ("NaN", "1e999"):
        (tmp_path / "pictures" / "folder-official-2-other.json").write_text(f'[{{"key": "a", "fps": {number}}}]')
        with pytest.raises(DataError, match=r"other.json: cannot be read \(.*\); expected finite numbers; remove it"):
            report.render(tmp_path)
    (tmp_path / "recipe.yaml").write_text("name: 2020-13-45")
    with pytest.raises(DataError, match=r"other.json"):
        report.render(tmp_path)


def test_methods_that_differ_in_an_odd_character_have_files_of_their_own(small_folder: Path) -> None:
    slugs = {measured(small_folder, method).entry.slug for method in ("a b", "a/b", "a-b")}
    assert len(slugs) == 3
    assert "folder-official-2-a-b" in slugs


def test_baselines_are_measured_as_the_method_is(small_folder: Path) -> None:
    entry = measured(small_folder).entry
    same = next(one for one in entry.baselines if one.method == "frame_difference")
    assert same.metrics == entry.result.metrics
    assert measured(small_folder, how=replace(FEW, baselines=())).entry.baselines == ()


def test_partial_results_name_what_is_missing(small_folder: Path) -> None:
    opened = benchmark.make("folder", small_folder)
    scorer = baseline.make("centre_prior")
    pairs = [(v, scorer.score(v, baseline.rng_for(0, "")) if v.key != "yard" else None) for v in opened.videos()]
    how = replace(FEW, allow_partial=True)
    made = measure(opened, protocols.make("official", opened.rules), pairs, "m", current_provenance(), how=how)
    assert made.entry.result.coverage.missing == ("yard",)
    assert [view.key for view in made.views] == ["gate", "quiet"]
    assert made.entry.slug == "folder-official-2-m"
    assert "> **Warning:** scored 2 of 3 videos" in markdown(RunResults((made.entry,)), "run")


def test_without_labels_there_are_pictures_and_no_numbers(tmp_path: Path, small_folder: Path) -> None:
    (tmp_path / "videos").symlink_to(small_folder / "videos")
    made = measured(tmp_path)
    assert made.entry.result.metrics == {}
    assert made.entry.baselines == ()
    assert len(made.views) == 3
    assert all(view.timeline.events is None and view.thumbnails for view in made.views)
    assert "no metrics" in markdown(RunResults((made.entry,)), "run")


# tables


def test_published_numbers_are_ours_to_read_and_marked() -> None:
    numbers = published.published_numbers()
    for paper in numbers.methods:
        for name, values in paper.values.items():
            assert (name in benchmark.known()) != (name in numbers.benchmarks), name
            for key in values:
                assert (key.partition("/")[0] in metric.known()) != (key in numbers.metrics), key
    assert set(numbers.sources) == {key for paper in numbers.methods for key in paper.source}
    assert set(numbers.benchmarks) <= {name for paper in numbers.methods for name in paper.values}
    lavida = [paper for paper in numbers.methods if paper.method == "LAVIDA"]
    assert {paper.protocol for paper in lavida} == {"paper/2"}
    assert [paper.values["ucsd_ped2"] for paper in lavida if "ucsd_ped2" in paper.values] == [{"pixel_auc": 87.68}]
    on_xd = {paper.method for paper in published.published_for("xd_violence")}
    assert {"LAVIDA", "Flashback", "VERA", "EventVAD", "PANDA offline"} <= on_xd
    assert not on_xd & {"RTFM, I3D", "Holmes-VAD"}, "reports show what learns nothing from videos of the target"


def test_the_table_has_this_the_baselines_and_papers(small_folder: Path) -> None:
    entry = measured(small_folder, how=replace(FEW, smoothing=2.0)).entry
    entry = replace(entry, result=replace(entry.result, benchmark="ucsd_ped2"))
    made = table.result_table(entry)
    assert [(row.kind, row.method) for row in made.rows[:3]] == [
        ("this", "mine"),
        ("this", "mine"),
        ("baseline", "centre_prior"),
    ]
    assert made.rows[1].note == "scores smoothed, sigma 2 frames"
    assert [row.method for row in made.rows if row.kind == "published"][:3] == [
        "LAVIDA",
        "GridVAD",
        "GridVAD",
    ]
    at = [column.metric for column in made.columns].index("pixel_auc")
    lavida = next(row for row in made.rows if row.method == "LAVIDA")
    assert lavida.cells[at] == Estimate(87.68)
    assert lavida.protocol == "paper/2"
    assert sum(cell is not None for cell in lavida.cells) == 1
    assert made.rows[0].cells[at] == table.in_unit(entry.result.metrics["pixel_auc"].headline, "%")
    assert made.columns[0].metric == "frame_auc"


@pytest.mark.parametrize(
    ("estimate", "unit", "text"),
    [
        (None, "%", ""),
        (Estimate(None), "%", "–"),
        (Estimate(82.184), "%", "82.18"),
        (Estimate(82.184, 79.1, 85.019), "%", "82.18 [79.10, 85.02]"),
        (Estimate(0.5, 0, 1321.7), "1/h", "0.50 [0.00, 1,322]"),
    ],
)
def test_cells(estimate: Estimate | None, unit: str, text: str) -> None:
    assert table.format_estimate(estimate, unit) == text


def result_of(name: str, variants: dict[str, float], **counts: int) -> MetricResult:
    metric_class = metric.make(name)
    estimates = {variant: Estimate(value) for variant, value in variants.items()}
    return MetricResult(name, metric_class.unit, metric_class.higher_is_better, estimates, {}, counts)


def with_metrics(made: ResultEntry, *results: MetricResult, **more: Any) -> ResultEntry:
    given = {result.name: result for result in results}
    return replace(made, result=replace(made.result, metrics=given, **more), baselines=())


def test_the_official_metric_is_first_and_marked(small_folder: Path) -> None:
    entry = measured(small_folder).entry
    assert entry.result.quoted[0] == "frame_auc"
    entry = with_metrics(
        entry, result_of("frame_auc", {"micro": 0.8, "macro": 0.7}), result_of("pixel_ap", {"micro": 0.2}),
        quoted=("pixel_auc_40", "pixel_ap"), protocol="official/2+defects (partial)",
    )  # fmt: skip
    columns = table.result_table(entry).columns
    assert [(c.metric, c.mark) for c in columns[:3]] == [
        ("pixel_auc_40", "official metric"), ("pixel_ap", ""), ("frame_auc", ""),
    ], "also without a number"  # fmt: skip
    assert columns[2].heading == "frame AUC ↑"
    older = replace(entry, result=replace(entry.result, quoted=()))
    assert [c.mark for c in table.result_table(older).columns] == ["", ""]
    paper = replace(entry, result=replace(entry.result, protocol="paper/2", quoted=("frame_auc",)))
    assert "frame AUC ↑ (paper metric)" in markdown(RunResults((paper,)), "run")
    lines = "\n".join(entry_lines(paper))
    assert re.search(r"^frame AUC ↑ \* +micro +80.00$", lines, re.M)
    assert re.search(r"^frame AUC ↑ +macro +70.00$", lines, re.M), "the mark is of one number"
    assert "* paper metric; ↑ higher is better" in lines


def test_chance_levels() -> None:
    counts = {"positives": 20, "negatives": 60}
    levels = {name: table.chance_level(result_of(name, {"micro": 0.5}, **counts)) for name in metric.known()}
    assert {name for name, level in levels.items() if level == 50} == {"frame_auc", "pixel_auc", "soft_auc"}
    assert {name for name, level in levels.items() if level == 25} == {
        "frame_ap", "frame_pr_auc", "pixel_ap", "soft_ap",
    }  # fmt: skip
    assert set(levels.values()) == {50, 25, None}
    assert table.chance_level(result_of("frame_ap", {"micro": 0.5})) is None


def test_bounds_by_ties_are_one_row_and_no_row_without_ties(small_folder: Path) -> None:
    entry = measured(small_folder, how=replace(FEW, baselines=())).entry
    tied = {"micro": 0.5, "script_order": 0.51, "ties_worst": 0.45, "ties_best": 0.55}
    details = list(variant_details(with_metrics(entry, result_of("rbdc", tied)).result))
    assert [(row.variant, row.text) for row in details] == [
        ("micro", "50.00"), ("script order", "51.00"), ("ties, worst to best", "45.00 to 55.00"),
    ]  # fmt: skip
    details = list(variant_details(with_metrics(entry, result_of("rbdc", dict.fromkeys(tied, 0.5))).result))
    assert [row.variant for row in details] == ["micro"]
    assert details[0].notes == ("no equal scores decide: script_order, ties_worst and ties_best are the same",)


def test_remarks_where_numbers_rest_on_seconds_of_video(small_folder: Path) -> None:
    entry = measured(small_folder, how=replace(FEW, baselines=())).entry
    short = with_metrics(
        entry, result_of("false_alarms_per_hour", {"alarms": 600}, normal_seconds=6),
        result_of("detection_delay", {"delay": 1.0}, events=1),
    )  # fmt: skip
    assert remarks(short) == [
        "false alarms: from 6 seconds of normal video; one alarm more adds 600 an hour",
        "detection delay: the mean of 1 event only",
    ]
    assert "note: false alarms: from 6 seconds" in "\n".join(entry_lines(short))
    text = markdown(RunResults((short,)), "run")
    assert "- detection delay: the mean of 1 event only" in text
    assert "95 % intervals by jackknife and bootstrap over videos (Student's t" in text
    long = with_metrics(
        entry, result_of("false_alarms_per_hour", {"alarms": 600}, normal_seconds=3600),
        result_of("detection_delay", {"delay": 1.0}, events=20),
    )  # fmt: skip
    assert remarks(long) == []


def test_a_remark_names_methods_with_one_score_for_all_pixels_of_a_frame(small_folder: Path) -> None:
    """Why `random` beats a model by the 40 % criterion: its maps are constant, so that it gets the AUC of frames."""
    entry = measured(small_folder).entry
    (remark,) = (text for text in remarks(entry) if text.startswith("pixel AUC 40 %"))
    assert "centre_prior, random have one score for all pixels of a frame" in remark
    assert "compare it with methods that have maps" in remark
    random = next(one for one in entry.baselines if one.method == "random").metrics["pixel_auc_40"]
    assert random.counts["frames_of_one_score"] == random.counts["positives"] + random.counts["negatives"]
    assert entry.result.metrics["pixel_auc_40"].counts["frames_of_one_score"] == 0, "differences of frames vary"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_console_keeps_to_the_terminal(small_folder: Path, width: int) -> None:
    entry = measured(small_folder, how=replace(FEW, smoothing=2.0)).entry
    tables = [line for line in entry_lines(entry, width) if re.match(r"(frame|pixel) |metric |false |detection ", line)]
    assert max(map(len, tables)) <= width
    free = "\n".join(entry_lines(entry))
    numbers = re.findall(r"\d+\.\d\d", free.partition("scores smoothed")[0])
    assert set(numbers) <= set(re.findall(r"\d+\.\d\d", "\n".join(entry_lines(entry, width))))


def test_markdown_is_a_table_and_trusts_no_name(small_folder: Path) -> None:
    entry = measured(small_folder, "a|b<c>*d*").entry
    text = markdown(RunResults((entry,)), "run")
    assert "| 3 videos, 1 video undefined, 2 videos abnormal, " in text, "counts of 0 are not written"
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("| method"))
    row = next(line for line in lines if line.startswith("| **a"))
    assert row.startswith(r"| **a\|b\<c\>\*d\*** | official/2 |")
    assert row.replace(r"\|", "").count("|") == head.count("|")
    assert "- command: `the command`" in text
    assert "Scored 3 of 3 videos, 30 of 30 frames (100.00 %)." in text


# curves and pictures


def blank(frames: int, labels: NDArray[np.bool_] | None = None, fps: float | None = 25.0) -> TestVideo:
    def read(start: int, stop: int, step: int) -> NDArray[np.uint8]:
        return np.full((len(range(start, stop, step)), 40, 80, 3), 100, np.uint8)

    return TestVideo("v", frames, (40, 80), read, fps, frame_labels=labels)


def test_timelines_keep_the_extremes() -> None:
    values = np.zeros(10_000, np.float32)
    values[5_000], values[5_001] = 9, -9
    made = timeline(blank(10_000), np.arange(10_000), values)
    assert (len(made.low), len(made.high)) == (BINS, BINS)
    assert (max(x or 0 for x in made.high), min(x or 0 for x in made.low)) == (9, -9)
    assert made.events is None
    short = timeline(blank(4, np.array([1, 0, 1, 1], bool)), np.array([0, 3]), np.array([1, 2], np.float32))
    assert short.low == short.high == (1, None, None, 2)
    assert short.events == ((0, 1), (2, 4))


def test_spans() -> None:
    assert spans(np.zeros(3, bool)) == ()
    assert spans(np.array([0, 1, 1, 0, 1], bool)) == ((1, 3), (4, 5))


def test_peaks_are_apart_and_a_plateau_counts_once() -> None:
    frames = np.arange(20)
    values = np.zeros(20, np.float32)
    values[[3, 4]], values[15], values[5] = 5, 4, 3
    assert peaks(frames, values, 2, 4) == [3, 15]
    assert peaks(frames, np.ones(20, np.float32), 3, 4) == [9]
    assert peaks(np.arange(0, 20, 2), np.ones(10, np.float32), 1, 4) == [0]  # not neighbours: no plateau
    assert peaks(frames[:0], values[:0], 3, 4) == []


def decoded(webp: bytes) -> NDArray[np.uint8]:
    assert webp[8:12] == b"WEBP"
    return np.asarray(cv2.imdecode(np.frombuffer(webp, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)


def tinted(pixels: NDArray[np.uint8], scores: NDArray[np.float16], low: float, high: float) -> NDArray[np.uint8]:
    """The plain way, which a browser does: enlarge the scores, compute each pixel's colour, lay it over the frame."""
    height, width = pixels.shape[:2]
    large = cv2.resize(scores.astype(np.float64), (width, height), interpolation=cv2.INTER_NEAREST)
    strength = np.clip((large - low) / max(high - low, 1e-12), 0, 1)[..., None]
    tint = np.concatenate([np.full_like(strength, 255), 210 * (1 - strength), np.zeros_like(strength)], axis=2)
    opacity = np.where(strength > 0, 0.3 + 0.45 * strength, 0)
    return np.asarray(pixels * (1 - opacity) + tint * opacity, np.uint8)


@pytest.mark.parametrize("size", [(10, 20), (60, 90), (40, 80)])
def test_a_highlight_over_a_frame_is_the_tinted_frame(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    pixels = rng.integers(0, 255, (40, 80, 3), np.uint8)
    scores = rng.normal(size=size).astype(np.float16)
    low, high = float(np.quantile(scores.astype(np.float64), 0.9)), float(scores.max())
    over = highlight(scores, (40, 80), low, high)
    assert over.shape == (min(size[0], 40), min(size[1], 80), 4)
    large = cv2.resize(over, (80, 40), interpolation=cv2.INTER_NEAREST).astype(np.float64)
    opacity = large[..., 3:] / 255
    shown = pixels * (1 - opacity) + large[..., :3] * opacity
    assert np.abs(shown - tinted(pixels, scores, low, high)).max() < 16, "of 255: fifteen shades"
    plain = cv2.resize(scores.astype(np.float64), (80, 40), interpolation=cv2.INTER_NEAREST)
    assert ((opacity[..., 0] > 0) == (plain > low)).all(), "the same pixels"


def test_a_thumbnail_shows_the_map_and_the_annotation() -> None:
    masks = np.zeros((30, 40, 80), bool)
    masks[:, 10:20, 20:40] = True
    video = replace(blank(30, masks.any(axis=(1, 2))), mask_reader=lambda a, b: masks[a:b])
    values = np.arange(30, dtype=np.float32)
    maps = np.full((30, 10, 20), -1024, np.float16)
    maps[:, 2:5, 5:10] = 3
    one = peak_thumbnails(video, VideoScore("v", values, pixels=lambda a, b: maps[a:b]), np.arange(30), values)[-1]
    assert (one.frame, one.score, one.abnormal, one.width, one.height) == (29, 29.0, True, 80, 40)
    plain, over = decoded(one.image), decoded(one.map or b"")
    assert abs(plain.astype(int) - 100).max() < 6
    assert over.shape == (10, 20, 4), "no larger than the map"
    assert over[2:5, 5:10].reshape(-1, 4).tolist() == [[0, 0, 255, 191]] * 15, "red, where the map is highest"
    assert not np.delete(over[..., 3], slice(2, 5), axis=0).any()
    assert not np.delete(over[..., 3], slice(5, 10), axis=1).any()
    assert one.outline.startswith("M20.5 10.5")


def test_pictures_are_of_frames_that_were_scored_themselves() -> None:
    """UBnormal under `paper` samples every fourth frame; the others have its score, and no map."""
    labels = np.arange(64) // 16 == 2
    video = replace(blank(64, labels), key="abnormal0")
    paper = protocols.make("paper", benchmark.make("ubnormal").rules)
    needed = paper.frames_to_score(video).tolist()

    def maps(start: int, stop: int) -> NDArray[np.float16]:
        found = np.zeros((stop - start, 48, 64), np.float16)
        for frame in set(needed) & set(range(start, stop)):
            found[frame - start] = -8
            found[frame - start, 10:30, 10:30] = 9
        return found

    score = paper.assemble(video, {frame: float(frame) for frame in needed}, maps)
    collector = ViewCollector(paper, with_thumbnails=["abnormal0"])
    list(collector.watch([(video, score)]))
    (view,) = collector.views
    assert view.thumbnails
    assert {thumbnail.frame for thumbnail in view.thumbnails} <= set(needed)


def test_a_thumbnail_of_a_map_that_is_not_finite_is_refused() -> None:
    maps = np.zeros((5, 2, 3), np.float16)
    maps[3, 1, 2] = np.nan
    score = VideoScore("v", np.array([0, 0, 0, 1, 0], np.float32), pixels=lambda a, b: maps[a:b])
    with pytest.raises(
        DataError, match=r"v, frame 3: pixel score nan at row 1, column 2; expected finite scores of float16"
    ):
        peak_thumbnails(blank(5), score, np.arange(5), score.frames)


def test_a_flat_map_colours_nothing() -> None:
    assert not highlight(np.full((2, 3), -1024, np.float16), (4, 6), -1024.0, -1024.0).any()


def test_outlines_have_holes() -> None:
    mask = np.zeros((20, 20), bool)
    assert outline_path(mask, 1.0) == ""
    mask[2:18, 2:18] = True
    mask[8:12, 8:12] = False
    assert outline_path(mask, 1.0).count("M") == 2


# provenance and words


def test_the_command_line_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/lavida-bench", "score-files", "-s", "my scores", "--set", "a='b'"])
    assert command_line() == """lavida-bench score-files -s 'my scores' --set 'a='"'"'b'"'"''"""
    assert current_provenance().command == command_line()
    assert current_provenance().made.endswith("+00:00")


def test_metrics_are_listed_and_reported() -> None:
    done = CliRunner().invoke(main, ["metrics"])
    assert done.exit_code == 0
    rows = {line.split()[0] for line in done.output.splitlines() if line and line[0] != "`"}
    assert rows == {"name", *metric.known()}
    for name in metric.known():
        described = CliRunner().invoke(main, ["metrics", name])
        assert described.output.startswith(f"{name}: ")
        assert "better" in described.output
    assert set(json.loads(CliRunner().invoke(main, ["metrics", "--json"]).output)) == set(metric.known())
    wrong = CliRunner().invoke(main, ["metrics", "frame_acu"])
    assert (wrong.exit_code, wrong.output) == (2, "error: unknown metric 'frame_acu'; did you mean 'frame_auc'?\n")
