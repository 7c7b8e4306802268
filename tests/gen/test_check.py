"""`lavida-gen check`: what stops a build is found before it, and every name is listed with what is known of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import miniatures
import numpy as np
import pytest
from click.testing import CliRunner
from miniatures import shapes
from test_names_of_sources import SIZE, Toy
from test_preview import HOSTILE, assert_quiet

from lavida_gen.annotations.picture_headers import unusable_pictures
from lavida_gen.building import build as builder
from lavida_gen.building.check import RecipeCheck, check_data
from lavida_gen.building.trial import trial_samples
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError
from lavida_gen.config import recipe as recipes
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.exposures._base import Exposure, ExposureTask
from lavida_gen.inspection import name_counts
from lavida_gen.inspection.audit import NameRow
from lavida_gen.inspection.audit_page import pictured_names, window_around
from lavida_gen.inspection.audit_text import audit_lines
from lavida_gen.inspection.name_counts import spread
from lavida_gen.inspection.name_pairs import COMPARED, FEW, compared, conflicting_pairs
from lavida_gen.sampling.planner import SamplePlanner
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Name, Scene

PICTURES = 12
BOXES = {1: (5, 5, 16, 12), 2: (30, 20, 14, 20)}


def draw(root: Path, names: str = "floor\ncart\nbench\nladder\n", boxes: dict[int, Any] | None = None) -> Path:
    """A folder of pictures with index masks."""
    shapes.write(root / "names.txt", names)
    for number in range(PICTURES):
        shapes.jpeg(root / "images" / f"{number:02d}.jpg", number)
        shapes.save(root / "masks" / f"{number:02d}.png", shapes.plane(BOXES if boxes is None else boxes))
    return root


def make(root: Path, **changes: Any) -> CorpusRecipe:
    entry = {"name": "folder", "root": str(root), "background": ["floor"], **changes.pop("entry", {})}
    plain = {
        "name": "seen",
        "samples": 40,
        "val": 0,
        "sources": [entry],
        "exposures": ["relabel", "absent"],
        "limits": {"min_pixels": 1, "min_area": 0},
    }
    return recipes.parse({**plain, **changes})


def errors(recipe: CorpusRecipe, trial: int = 20) -> list[str]:
    return [finding.text for finding in check_data(recipe, trial) if finding.severity == "error"]


def is_refused(recipe: CorpusRecipe, pattern: str, out: Path) -> None:
    """Check and build refuse a recipe with the same words."""
    found = errors(recipe)
    assert any(re.search(pattern, text) for text in found), found
    with pytest.raises(DataError, match=pattern):
        builder.build(recipe, out, workers=1)


def test_sound_data_are_sound(tmp_path: Path) -> None:
    assert check_data(make(draw(tmp_path))) == []


def test_a_mask_of_colours_is_found(tmp_path: Path) -> None:
    root = draw(tmp_path / "data")
    shapes.save(root / "masks" / "07.png", shapes.photo(3))
    (text,) = errors(make(root))
    assert "07.png: holds colours (RGB)" in text
    assert text.endswith("`broken: drop` leaves it out and loses 1 scene")
    dropped = check_data(make(root, broken="drop"))
    assert [(finding.severity, finding.scenes) for finding in dropped] == [("dropped", 1)]


def test_a_value_without_a_name_is_found(tmp_path: Path) -> None:
    root = draw(tmp_path / "data")
    shapes.save(root / "masks" / "05.png", shapes.plane({9: (5, 5, 16, 12)}))
    is_refused(make(root), r"05\.png: holds the value 9", tmp_path / "corpus")


def test_a_picture_that_only_decoding_shows_to_be_broken_is_an_error(tmp_path: Path) -> None:
    """Its header is right, and its end; what lies between is not. A build takes the file as it is."""
    root = draw(tmp_path)
    photo = root / "images" / "05.jpg"
    data = photo.read_bytes()
    start = data.index(b"\xff\xda")
    photo.write_bytes(data[:start] + b"\xff\xd9")
    (text,) = errors(make(root, broken="drop"))
    assert "05.jpg: cannot be decoded" in text
    assert text.endswith("a build does not notice it, even with `broken: drop`: remove it")


def test_a_picture_that_is_cut_in_the_middle_is_noted(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It decodes without an error, and its lower part is grey."""
    root = draw(tmp_path)
    photo = root / "images" / "05.jpg"
    data = photo.read_bytes()
    photo.write_bytes(data[: len(data) * 3 // 5] + data[-2:])
    (note,) = check_data(make(root))
    assert note.severity == "note"
    assert re.search(r"1 picture of those decoded is damaged, such as .*/05\.jpg: .*premature end", note.text)
    assert check_data(make(root), trial=0) == []
    assert "Corrupt JPEG" not in capfd.readouterr().err


def test_pictures_of_another_size_are_all_found_by_their_headers(tmp_path: Path) -> None:
    root = draw(tmp_path)
    height, width = shapes.SIZE
    for number in (2, 9):
        shapes.jpeg(root / "images" / f"{number:02d}.jpg", number, (height, width + 1))
    found = check_data(make(root, broken="drop"), trial=0)
    assert [finding.scenes for finding in found] == [1, 1]
    assert f"is {width} x {height} pixels; expected {width + 1} x {height}, the size of" in found[0].text
    assert len(check_data(make(root, broken="drop"))) == 2, "the trial reports none of them again"


def test_a_turned_picture_fits_and_a_missing_one_is_left_to_others(tmp_path: Path) -> None:
    from PIL import Image

    picture, mask = tmp_path / "a.jpg", tmp_path / "a.png"
    image = Image.fromarray(shapes.photo(1))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(picture, exif=exif)
    shapes.save(mask, np.zeros(shapes.SIZE[::-1], np.uint8))
    gone = tmp_path / "gone.jpg"
    assert list(unusable_pictures([[(picture, mask)], [(gone, mask)]], 2)) == []


def test_a_split_without_anything_is_found(tmp_path: Path) -> None:
    """Only one picture shows anything: train or val has none."""
    root = draw(tmp_path / "data", boxes={})
    shapes.save(root / "masks" / "04.png", shapes.plane(BOXES))
    recipe = make(root, val=0.3, exposures=["relabel"], anomaly_ratio=1)
    is_refused(recipe, "nothing that could be the anomaly", tmp_path / "corpus")
    assert errors(recipe, trial=0) == [], "only samples show it"


def test_that_no_absent_name_can_be_listed_is_found(tmp_path: Path) -> None:
    root = draw(tmp_path / "data", names="floor\ncrack\n", boxes={1: (5, 5, 16, 12)})
    is_refused(make(root), "no name that is absent.*`absent_names", tmp_path / "corpus")
    stated = make(root, entry={"absent_names": ["zebra"]})
    assert errors(stated) == []


def test_an_exposure_that_can_do_nothing_is_noted(tmp_path: Path) -> None:
    recipe = make(draw(tmp_path), exposures=["relabel", "near_miss", "absent"])
    (note,) = check_data(recipe, trial=60)
    assert note.severity == "note"
    assert re.search(r"exposure 'near_miss' made none of \d+ trial samples: no name that is close", note.text)


def test_few_scenes_for_many_samples_are_noted(tmp_path: Path) -> None:
    root = draw(tmp_path)
    (note,) = check_data(make(root, samples=100_000), trial=5)
    assert note.text.startswith("sources[0] (folder): 12 scenes for about 100,000 samples, 8,333 of each")
    assert check_data(make(root, samples=1000), trial=5) == []


class Careless(Exposure):
    """An exposure with a mistake."""

    outcomes = frozenset({True, False})

    def expose(self, scene: Scene, task: ExposureTask) -> Draft | Rejection:
        raise KeyError(scene.key)


def test_a_mistake_of_an_exposure_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    root = draw(tmp_path)
    plain = {
        "name": "mistake",
        "samples": 4,
        "sources": [{"name": "folder", "root": str(root)}],
        "exposures": ["test_check:Careless"],
    }
    (text,) = errors(recipes.parse(plain, allow_code=True))[:1]
    assert "exposure 'test_check:Careless' stopped: KeyError" in text


class Forgetful(Toy):
    """A source that does not report that a file is missing."""

    def scene(self, number: int) -> Scene:
        return replace(super().scene(number), frames=(Frame.file(Path("/nowhere/a.jpg"), SIZE),))


def test_a_missing_file_is_found_though_the_source_does_not_report_it(tmp_path: Path) -> None:
    draw(tmp_path)
    (tmp_path / "images" / "03.jpg").write_bytes(b"")
    folder = {"name": "folder", "root": str(tmp_path)}
    plain = {
        "name": "forgetful",
        "samples": 8,
        "sources": [folder, {"name": "test_check:Forgetful", "scenes": [["dog"]]}],
        "exposures": ["relabel", "absent"],
    }
    found = errors(recipes.parse(plain, allow_code=True))
    assert len(found) == 2
    assert found[1].startswith("sources[1] (test_check:Forgetful): /nowhere/a.jpg: cannot be read")


def test_trial_samples_take_every_way_in_turn(tmp_path: Path) -> None:
    draw(tmp_path / "a")
    entry = {"name": "folder", "root": str(tmp_path / "a")}
    plain = {
        "name": "ways",
        "samples": 10_000,
        "val": 0.2,
        "sources": [{**entry, "dataset": "a", "weight": 50}, {**entry, "dataset": "b"}],
        "exposures": [{"name": "relabel", "weight": 20}, "several", "absent", "near_miss"],
    }
    planner = SamplePlanner.open(recipes.parse(plain))
    chosen = trial_samples(planner, 16)
    ways = {(spec.split, id(spec.opened), spec.exposure_name) for _, spec in chosen}
    assert len(chosen) == len(ways) == 2 * 2 * 4
    assert all(planner.spec(index, 0).number == spec.number for index, spec in chosen), "samples of the corpus"
    assert len(trial_samples(planner, 100)) == 100


@pytest.mark.parametrize(("total", "count"), [(5, 8), (8, 8), (51, 40), (1000, 100), (7, 0)])
def test_numbers_are_spread_and_distinct(total: int, count: int) -> None:
    numbers = spread(total, count)
    assert numbers == sorted(set(numbers))
    assert len(numbers) == min(total, count)
    assert all(0 <= number < total for number in numbers)


def test_spread_numbers_do_not_all_have_one_remainder() -> None:
    for period in (2, 3, 5, 10):
        assert {number % period for number in spread(4000, 50)} == set(range(period))


def rows(recipe: CorpusRecipe) -> dict[str, NameRow]:
    check = RecipeCheck(recipe, trial=0)
    check.run()
    return {row.text: row for row in check.audits[0].rows}


def test_every_name_has_its_row(tmp_path: Path) -> None:
    names = "background\nroof_tile\nhouse\nlorry\ntruck\nhot dog\ndog\n"
    root = draw(tmp_path, names, {1: (0, 0, 9, 9), 2: (20, 9, 20, 20), 5: (50, 0, 9, 9)})
    entry = {"background": ["house"], "absent_names": ["zebra"]}
    found = rows(make(root, entry=entry))
    assert list(found)[:3] == ["roof tile", "house", "hot dog"], "the most frequent first"
    assert found["roof tile"].original == "roof_tile"
    assert (found["roof tile"].scenes, found["roof tile"].is_exact) == (PICTURES, True)
    roles = {text: row.role for text, row in found.items()}
    assert roles["background"] == "names nothing"
    assert roles["hot dog"] == "thing"
    assert roles["house"].endswith(", never the anomaly")
    assert roles["dog"] == roles["truck"] == "never annotated"
    assert roles["zebra"] == "stated by the recipe"
    assert (found["zebra"].absence, found["dog"].absence) == ("stated", "exhaustive")
    assert found["background"].scenes == PICTURES
    assert not found["background"].is_listed
    assert dict(found["lorry"].conflicts).keys() == {"truck"}
    assert dict(found["truck"].conflicts).keys() == {"lorry"}


def test_doubtful_pairs(tmp_path: Path) -> None:
    root = draw(tmp_path, "floor\nbuilding\nroof\nhot dog\ndog\ncart\nwheelbarrow\n")
    check = RecipeCheck(make(root, parts={"cart": ["dog"]}), trial=0)
    check.run()
    pairs = {frozenset((one, two)): reason for one, two, reason in check.audits[0].pairs}
    assert pairs[frozenset(("building", "roof"))] == "part"
    assert pairs[frozenset(("hot dog", "dog"))] == "same last word, no conflict"
    assert pairs[frozenset(("cart", "wheelbarrow"))] == "kind, by WordNet"
    conflicts = {row.text: dict(row.conflicts) for row in check.audits[0].rows}
    assert conflicts["cart"]["dog"] == conflicts["dog"]["cart"] == "part, as stated"


def test_counts_of_some_scenes_are_estimates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(name_counts, "IMAGES", 5)
    monkeypatch.setattr(name_counts, "SECONDS", 0)
    check = RecipeCheck(make(draw(tmp_path)), trial=0)
    check.run()
    (audit,) = check.audits
    assert (audit.counted, audit.scenes) == (5, PICTURES)
    found = {row.text: row for row in audit.rows}
    assert (found["cart"].scenes, found["cart"].is_exact) == (PICTURES, False)
    assert found["ladder"].role == "not seen"
    assert "~12" in "\n".join(audit_lines(audit, 20))


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["check", *words])
    assert result.exit_code == code, result.output
    return result.stdout


def write_recipe(path: Path, root: Path) -> str:
    shapes.write(
        path, f"name: r\nsamples: 8\nval: 0\nsources: [{{name: folder, root: {root}}}]\nexposures: [relabel]\n"
    )
    return str(path)


def test_the_command_prints_and_writes(tmp_path: Path) -> None:
    recipe = write_recipe(
        tmp_path / "r.yaml", draw(tmp_path / "data", "floor\ncart\nbench\n" + HOSTILE.splitlines()[0] + "\n")
    )
    page = tmp_path / "pages" / "names.html"
    settings = ("-r", recipe, "--set", "anomaly_ratio=1", "--trial", "4")
    text = run(*settings, "--names", "1", "--report", str(page))
    assert "sources[0] (folder): 12 scenes, 4 names\n" in text
    assert "... and 3 more names: --report FILE or --json" in text
    assert text.endswith("recipe r: sound\n")
    assert HOSTILE.splitlines()[0] not in page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["names.html"]
    shown = json.loads(run(*settings, "--json"))
    assert len(shown["sources"][0]["names"]) == 4
    assert shown["sources"][0]["names"][0]["conflicts"] == []
    shapes.save(tmp_path / "data" / "masks" / "03.png", shapes.photo(1))
    assert "03.png" in run(*settings, code=1)


def test_names_cannot_move_the_cursor(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path / "r.yaml", draw(tmp_path / "data", "floor\ncart\x1b[2J\nbench\n"))
    text = run("-r", recipe, "--trial", "0", "--set", "anomaly_ratio=1")
    assert "cart\N{REPLACEMENT CHARACTER}[2J" in text
    assert "\x1b" not in text
    done = CliRunner().invoke(main, ["check", "-r", recipe, "--set", r'sources.0.background=["x\e[2J"]'])
    text = done.output
    assert "sources.0.background.0: holds the control character U+001B" in text
    assert "\x1b" not in text


def test_pictures_are_divided_among_sources() -> None:
    assert pictured_names([80, 1203, 3], 200) == [80, 117, 3]
    assert pictured_names([5], 200) == [5]
    assert pictured_names([300, 300], 200) == [100, 100]


@pytest.mark.parametrize("box", [(0, 0, 2, 2), (598, 2, 2, 4), (200, 100, 50, 300), (0, 0, 600, 400), (300, 399, 1, 1)])
def test_a_picture_shows_the_thing_and_its_surroundings(box: tuple[int, int, int, int]) -> None:
    rows, columns = window_around(box, (400, 600))
    assert 0 <= columns.start <= box[0] < box[0] + box[2] <= columns.stop <= 600
    assert 0 <= rows.start <= box[1] < box[1] + box[3] <= rows.stop <= 400
    assert (columns.stop - columns.start) / (rows.stop - rows.start) == pytest.approx(1.5, rel=0.02)
    assert columns.stop - columns.start >= 180


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page(tmp_path: Path, browser: Callable[..., Any], width: int) -> None:
    hostile = HOSTILE.splitlines()[0]
    root = draw(tmp_path / "data", f"floor\ncart\nbench\n{hostile}\nlorry\ntruck\n", {**BOXES, 3: (0, 30, 20, 9)})
    page = tmp_path / "names.html"
    recipe = write_recipe(tmp_path / "r.yaml", root)
    run("-r", recipe, "--set", "anomaly_ratio=1", "--trial", "0", "--report", str(page))
    driver = browser(page, width)
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "no scrolling sideways"
    heads = driver.execute_script("return [...document.querySelectorAll('.card h3')].map(x => x.textContent)")
    assert set(heads) == {"floor", "cart", "bench", hostile, "lorry", "truck"}
    assert "HACKED" not in driver.title
    assert driver.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    assert driver.execute_script("return document.querySelectorAll('.card img').length") == 4 * 3
    assert driver.execute_script("return document.querySelectorAll('.card path').length") == 4 * 3
    search = "const f = document.getElementById('find'); f.value = 'TRUCK'; f.dispatchEvent(new Event('input'));"
    driver.execute_script(search)
    assert driver.execute_script("return document.querySelectorAll('.card').length") == 1
    driver.execute_script(
        "[...document.querySelectorAll('.chips button')].find(b => b.textContent === 'lorry').click()"
    )
    assert driver.execute_script("return document.querySelector('.card h3').textContent") == "lorry"
    assert_quiet(driver)


@pytest.mark.parametrize("name", miniatures.names())
def test_every_source_is_sound_and_all_of_its_names_are_listed(tmp_path: Path, name: str) -> None:
    options = {
        key: str(value) if isinstance(value, Path) else value for key, value in miniatures.draw(name, tmp_path).items()
    }
    plain = {
        "name": "all",
        "samples": 12,
        "val": 0,
        "sources": [{"name": name, **options, "absent_names": ["zebra crossing", "quartz"]}],
        "exposures": ["relabel", "absent"],
        "limits": {"min_pixels": 1, "min_area": 0, "min_visible": 0.01},
        "absent_evidence": "any",
    }  # fmt: skip
    check = RecipeCheck(recipes.parse(plain), trial=12)
    check.run()
    assert [finding for finding in check.findings if finding.severity != "note"] == []
    (audit,) = check.audits
    listed = {row.text for row in audit.rows}
    (opened,) = check.opened.values()
    assert {row.text for row in opened.names.rows} <= listed
    assert {"zebra crossing", "quartz"} <= listed
    seen = {row.text: row.scenes for row in audit.rows}
    for number in range(min(6, len(opened.source))):
        for region in opened.scene(number).regions:
            assert all(seen[text] for text in region.names)
            assert all(next(row.role for row in audit.rows if row.text == text) != "annotated" for text in region.names)


def test_a_large_vocabulary_is_compared_with_its_most_frequent_names() -> None:
    names = [Name(text, text) for text in ("dog", *(f"thing number {number}" for number in range(FEW)), "puppy")]
    assert conflicting_pairs(names, lambda text: {})[("dog", "puppy")] == "kind, by table"
    assert compared(len(names)) == COMPARED < compared(FEW)
