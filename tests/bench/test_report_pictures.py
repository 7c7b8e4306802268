"""The pictures of a report: each once, beside the page or inside it, under names that lead nowhere else."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_report import measured

from lavida_bench.cli import main
from lavida_bench.evaluation.measure import Measurement
from lavida_bench.reporting import run_folder
from lavida_gen.common.errors import DataError

ENTRY = "folder-official-2-mine"


@pytest.fixture(scope="module")
def made(small_folder: Path) -> Measurement:
    found = measured(small_folder)
    assert any(shot.map for view in found.views for shot in view.thumbnails)
    return found


@pytest.fixture
def run(made: Measurement, tmp_path: Path) -> Path:
    run_folder.add(tmp_path / "run", made)
    return tmp_path / "run"


def page_data(run: Path) -> Any:
    text = (run / "report.html").read_text("utf-8")
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL)[1])


def sources(run: Path) -> list[str]:
    views = [view for entry in page_data(run)["entries"] for view in entry["videos"]]
    return [shot[kind] for view in views for shot in view["shots"] for kind in ("image", "map") if shot[kind]]


def pictures(made: Measurement) -> list[bytes]:
    shots = [shot for view in made.views for shot in view.thumbnails]
    return [picture for shot in shots for picture in (shot.image, shot.map) if picture]


def test_pictures_lie_beside_the_page(made: Measurement, run: Path) -> None:
    shown = sources(run)
    assert [(run / name).read_bytes() for name in shown] == pictures(made)
    assert all(re.fullmatch(rf"pictures/{ENTRY}/[0-9a-f]{{16}}\.webp", name) for name in shown)
    assert sorted(path.name for path in (run / "pictures" / ENTRY).iterdir()) == sorted(
        {Path(name).name for name in shown}
    ), "each once, and nothing else"
    for text in ((run / "report.html").read_text(), (run / "pictures" / f"{ENTRY}.json").read_text()):
        assert "base64" not in text
    assert "img-src data: 'self' file:;" in (run / "report.html").read_text()


def test_a_single_file_holds_them(made: Measurement, run: Path) -> None:
    beside = (run / "report.html").read_bytes()
    for options, inside in ((["--single-file"], True), ([], False)):
        done = CliRunner().invoke(main, ["report", str(run), *options])
        assert (done.exit_code, done.output) == (0, f"report: {run / 'report.html'}\n")
        assert page_data(run)["single_file"] is inside
        if inside:
            prefix = "data:image/webp;base64,"
            assert [base64.b64decode(uri.removeprefix(prefix)) for uri in sources(run)] == pictures(made)
            assert "img-src data:;" in (run / "report.html").read_text()
    assert (run / "report.html").read_bytes() == beside


def test_a_new_measurement_leaves_no_old_picture(made: Measurement, run: Path) -> None:
    folder = run / "pictures" / ENTRY
    (folder / "notes.txt").write_text("mine")
    run_folder.add(run, replace(made, views=made.views[:1]))
    left = {path.name for path in folder.iterdir()}
    assert left == {Path(name).name for name in sources(run)} | {"notes.txt"}
    assert 1 < len(left) < len(set(pictures(made)))


def test_slugs_that_an_address_must_quote(made: Measurement, tmp_path: Path) -> None:
    entry = replace(made.entry, result=replace(made.entry.result, method="übung"))
    run_folder.add(tmp_path, replace(made, entry=entry))
    assert (tmp_path / "pictures" / entry.slug).is_dir()
    assert sources(tmp_path)[0].startswith("pictures/folder-official-2-%C3%BCbung/")


def test_pictures_of_an_older_version_are_shown(run: Path) -> None:
    """They stand in ENTRY.json; what was the highlighted picture now lies over the plain one."""
    path = run / "pictures" / f"{ENTRY}.json"
    views = json.loads(path.read_text())
    for view in views:
        view["shots"] = [{**shot, "image": "data:image/jpeg;base64,QQ==", "map": None} for shot in view["shots"]]
    path.write_text(json.dumps(views))
    run_folder.render(run)
    assert set(sources(run)) == {"data:image/jpeg;base64,QQ=="}


@pytest.mark.parametrize(
    ("shots", "message"),
    [
        (
            [{"image": "https://example.org/a.png"}],
            "picture 'https://example.org/a.png'; expected the name of a .webp by",
        ),
        (
            [{"image": "../../secret.webp"}],
            "picture '../../secret.webp'; expected the name of a .webp by its digest; rem",
        ),
        ([{"image": 5}], "picture '5'; expected"),
        ([{"image": "data:text/html,x"}], "picture 'data:text/html,x'; expected"),
        ([5], "no list of what a report shows of each video; remove it, or report again"),
        ("none", "no list of what a report shows of each video"),
    ],
)
def test_names_of_strangers_are_refused(run: Path, shots: object, message: str) -> None:
    path = run / "pictures" / f"{ENTRY}.json"
    path.write_text(json.dumps([{"key": "a", "shots": shots}]))
    for single_file in (False, True):
        with pytest.raises(DataError, match=re.escape(message)) as error:
            run_folder.render(run, single_file)
        assert str(error.value).startswith(f"{path}: ")


def test_a_picture_that_is_gone(run: Path) -> None:
    name = sources(run)[0]
    (run / name).unlink()
    assert run_folder.render(run).is_file(), "a link to nothing: the browser shows the number of the frame"
    with pytest.raises(
        DataError, match=rf"{name}: cannot be read \(No such file .*\); expected a picture of a report; score again"
    ):
        run_folder.render(run, single_file=True)
