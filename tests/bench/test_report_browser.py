"""The report and the comparison in a real browser, with names that would do harm if anybody let them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lavida_bench.baselines import _base as baseline
from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.evaluation.compare import ComparedVideo, Comparison
from lavida_bench.evaluation.measure import Measurement, MeasureSettings, VideoView, measure
from lavida_bench.metrics import _base as metric_base
from lavida_bench.metrics._base import Estimate
from lavida_bench.metrics._bootstrap import Bootstrap
from lavida_bench.protocols import protocol as protocols
from lavida_bench.reporting import comparison, table
from lavida_bench.reporting import run_folder as report
from lavida_bench.results.provenance import current_provenance
from lavida_gen.common.text import printable

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=\"document.title='HACKED'\"></script><script>document.title='HACKED'</script>\u2028'&amp;"
SHOWN = printable(HOSTILE)


@pytest.fixture(scope="module")
def runs(small_folder: Path) -> list[Measurement]:
    opened = benchmark.make("folder", small_folder)
    made = []
    for name, protocol in (("frame_difference", "official"), ("centre_prior", "paper")):
        scorer = baseline.make(name)
        pairs = [(one, scorer.score(one, baseline.rng_for(0, one.key))) for one in opened.videos()]
        how = MeasureSettings(bootstrap=Bootstrap(30), baselines=("random", "video_oracle"), allow_partial=True)
        made.append(
            measure(
                opened, protocols.make(protocol, opened.rules), pairs, name, current_provenance({}, "do it"), how=how
            )
        )
    return made


@pytest.fixture(scope="module")
def page(runs: list[Measurement], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "first run"
    for one in runs:
        found = report.add(folder, one)
    return found


def assert_quiet(driver: Any) -> None:
    """Nothing in the console, no request but for the page itself."""
    assert driver.get_log("browser") == []
    events = [json.loads(one["message"])["message"] for one in driver.get_log("performance")]
    requested = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    own = ("file:", "data:", "chrome:", "chrome-untrusted:")  # of the page, and of the browser's first tab
    assert [url for url in requested if not url.startswith(own)] == []


def texts(driver: Any, selector: str) -> list[str]:
    return driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map(e => e.textContent.trim())", selector
    )


def shown(driver: Any, section: str) -> list[str]:
    code = (
        "return [...document.querySelectorAll(arguments[0] + ' .card')].filter(c => !c.hidden).map(c => c.dataset.key)"
    )
    return driver.execute_script(code, section)


def choose(driver: Any, section: str, label: str, value: str) -> None:
    code = """const s = [...document.querySelectorAll(arguments[0] + ' label')].find(l => l.textContent.startsWith(arguments[1])).querySelector('select');
    s.value = arguments[2]; s.dispatchEvent(new Event('change'))"""
    driver.execute_script(code, section, label, value)


def seen(driver: Any, script: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 5).until(lambda d: d.execute_script(script))


def test_everything_is_on_the_page(page: Path, runs: list[Measurement], browser: Callable[..., Any]) -> None:
    driver = browser(page, height=4000)
    assert driver.title == "first run: results"
    assert texts(driver, "h1") == ["first run"]
    assert texts(driver, "h2") == [
        "folder: frame_difference, protocol official/2", "folder: centre_prior, protocol paper/2",
    ]  # fmt: skip
    assert len(texts(driver, "nav a")) == 2
    for one in runs:
        section = f"#{one.entry.slug}".replace(".", "\\.")
        assert texts(driver, f"{section} .coverage") == [f"scored {one.entry.result.coverage}"]
        assert texts(driver, f"{section} .warnings li") == list(one.entry.result.warnings)
        rows = texts(driver, f"{section} .numbers tbody tr th")
        assert [row.split()[0] for row in rows] == [one.entry.result.method, "random", "video_oracle"]
        found = one.entry.result.metrics["frame_auc"].headline
        first = texts(driver, f"{section} .numbers tbody tr:first-child td.number")[0]
        assert first == f"{100 * found.value:.2f}[{100 * found.low:.2f}, {100 * found.high:.2f}]"
        assert len(texts(driver, f"{section} .forest > div:not(.scale)")) == 3
        assert texts(driver, f"{section} .forest .chance") == ["chance 50"]
        assert texts(driver, f"{section} .numbers .mark") == [
            f"{protocols.plain_id(one.entry.result.protocol)[:-2]} metric"
        ]
        head = texts(driver, f"{section} .numbers thead th")
        assert head[1].startswith("frame AUC\u00a0↑"), "the official metric is the first"
        assert "false alarms (1/h)\u00a0↓" in head
        assert texts(driver, f"{section} .command") == ["do it"]
        assert shown(driver, section) == [view.key for view in one.views]
    assert_quiet(driver)


def test_curves_pictures_and_filters(page: Path, runs: list[Measurement], browser: Callable[..., Any]) -> None:
    driver = browser(page, height=4000)
    section = f"#{runs[0].entry.slug}".replace(".", "\\.")
    seen(driver, f"return document.querySelectorAll('{section} .curve').length === 3")
    events = driver.execute_script(f"return document.querySelectorAll('{section} [data-key=gate] .event').length")
    assert events == 2
    peaks = driver.execute_script(f"return document.querySelectorAll('{section} [data-key=gate] .peak').length")
    assert peaks == len(runs[0].views[0].thumbnails) == len(texts(driver, f"{section} [data-key=gate] figure"))
    drawn = f"return [...document.querySelectorAll('{section} .thumbnail img')].map(i => i.complete && i.naturalWidth)"
    assert all(seen(driver, f"{drawn}.every(Boolean) && {drawn.removeprefix('return ')}"))
    marked = f"return document.querySelectorAll('{section} .thumbnail.abnormal path').length"
    assert driver.execute_script(marked) == sum(bool(s.outline) for view in runs[0].views for s in view.thumbnails) > 0
    over = f"return document.querySelectorAll('{section} [data-key=gate] .thumbnail .map').length"
    assert driver.execute_script(over) == peaks
    areas = f"""const outline = document.querySelector('{section} .thumbnail svg');
        return [...outline.parentElement.querySelectorAll('img'), outline].map(element => {{
            const r = element.getBoundingClientRect();
            return [r.x, r.y, r.width, r.height].map(Math.round)}})"""
    image, over_it, outline = driver.execute_script(areas)
    assert image == over_it == outline, "highlight and outline lie over their picture"
    choose(driver, section, "pixel scores", "off")
    assert driver.execute_script(over) == 0

    choose(driver, section, "show", "normal")
    assert shown(driver, section) == ["quiet"]
    choose(driver, section, "show", "all")
    choose(driver, section, "order", "worst")
    values = runs[0].entry.result.metrics["frame_auc"].per_video
    wanted = sorted(values, key=lambda key: 2 if values[key] is None else values[key])
    assert shown(driver, section) == wanted
    own = f"return document.querySelector('{section} [data-key=yard] .levels').textContent"
    before = driver.execute_script(own)
    choose(driver, section, "scale", "own")
    assert driver.execute_script(own) != before
    driver.execute_script(
        f"const f = document.querySelector('{section} input'); f.value = 'YA'; f.dispatchEvent(new Event('input'))"
    )
    assert shown(driver, section) == ["yard"]
    assert texts(driver, f"{section} .count") == ["1 of 3 videos"]
    assert_quiet(driver)


def test_a_page_sent_alone_has_its_pictures(
    runs: list[Measurement], tmp_path: Path, browser: Callable[..., Any]
) -> None:
    folder = tmp_path / "run"
    report.add(folder, runs[0])
    loaded = "return [...document.querySelectorAll('img')].map(i => i.complete && i.naturalWidth > 0)"
    for single_file in (True, False):
        (tmp_path / "mail").mkdir(exist_ok=True)
        report.render(folder, single_file).replace(tmp_path / "mail" / "report.html")
        driver = browser(tmp_path / "mail" / "report.html", height=4000)
        seen(driver, "return document.querySelectorAll('.curve').length === 3")
        seen(driver, "return [...document.querySelectorAll('img')].every(i => i.complete)")
        found = driver.execute_script(loaded)
        assert len(found) > 3
        assert set(found) == {single_file}, "the other page is sent without its folder"
        note = texts(driver, "#beside")[0]
        assert note == ("" if single_file else note)
        assert ("--single-file" in note) is not single_file


OUTSIDE = """
const cells = [...document.querySelectorAll('body *:not(path):not(rect)')].filter(e => e.getClientRects().length);
const outside = cells.filter(e => { const r = e.getBoundingClientRect(); return r.left < -1 || r.right > arguments[0] + 1; });
const wide = cells.filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1 && !e.closest('select, input, svg, .lane'));
return [...outside, ...wide].map(e => `${e.tagName}.${e.className}: ${e.textContent.slice(-40)}`);
"""
"""What lies outside of the window, and what is wider than its place: cut off, to be scrolled, or over its neighbour."""
WIDTHS = {"desk": 1400, "tablet": 800, "phone": 400, "paper": 717}  # A4 without Chromium's margins


def set_width(driver: Any, name: str) -> None:
    width, media = WIDTHS[name], "print" if name == "paper" else "screen"
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": name == "phone"}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media})
    seen(driver, f"return matchMedia('{media}').matches")
    driver.execute_async_script("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(done))")


def assert_fits(driver: Any) -> None:
    """No scrolling sideways and no cell cut off: on a desk, a tablet, a phone and paper."""
    for name in WIDTHS:
        set_width(driver, name)
        assert driver.execute_script(OUTSIDE, WIDTHS[name]) == [], name
        assert driver.execute_script("return document.documentElement.scrollWidth") <= WIDTHS[name], name
    set_width(driver, "desk")


def full(made: Measurement) -> Measurement:
    """The same with a number in every column, wide ones among them, and published rows."""
    wide = {"detection_delay": (123.4, 99.9, 1234.5), "false_alarms_per_hour": (12345.6, 1234.5, 99999.9)}
    given = made.entry.result.metrics["frame_auc"]
    metrics = {}
    for name in table.TITLES:
        metric = metric_base.make(name)
        value, low, high = wide.get(name, (0.8765, 0.8123, 1.0))
        variants = dict.fromkeys(metric.variants, Estimate(value, low, high, 30))
        variants |= dict.fromkeys(table.SHARES & variants.keys(), Estimate(0.5, 0.25, 1.0, 30))
        metrics[name] = replace(
            given, name=name, unit=metric.unit, higher_is_better=metric.higher_is_better, variants=variants
        )
    result = replace(made.entry.result, benchmark="ucsd_ped2", method="a_method_with_a_long_name", metrics=metrics)
    baselines = tuple(replace(baseline, metrics=metrics) for baseline in made.entry.baselines)
    return replace(made, entry=replace(made.entry, result=result, baselines=baselines))


def test_every_column_is_reachable_at_every_width(
    runs: list[Measurement], tmp_path: Path, browser: Callable[..., Any]
) -> None:
    driver = browser(report.add(tmp_path / "run", full(runs[0])))
    assert texts(driver, ".numbers .mark") == ["official metric"]
    assert len(texts(driver, ".numbers thead th")) == 1 + len(table.TITLES) > 14
    assert_fits(driver)
    driver.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert_fits(driver)
    set_width(driver, "phone")
    titles = (
        "return [...document.querySelectorAll('.numbers tr.this td')].map(e => getComputedStyle(e, '::before').content)"
    )
    assert driver.execute_script(titles)[0] == '"frame AUC\u00a0↑ official metric"', (
        "a stacked cell has its title with it"
    )
    assert_quiet(driver)


def test_paper_has_all_cards_and_all_parts(page: Path, runs: list[Measurement], browser: Callable[..., Any]) -> None:
    driver = browser(page, height=300)
    filled = "return document.querySelectorAll('.card .curve').length"
    closed = "return document.querySelectorAll('details:not([open])').length"
    cards, parts = sum(len(one.views) for one in runs), driver.execute_script(closed)
    assert driver.execute_script(filled) < cards
    assert parts >= 2
    driver.execute_script(
        "window.seen = []; addEventListener('beforeprint', () => seen.push(document.querySelectorAll('.card .curve').length,"
        "document.querySelectorAll('details:not([open])').length))"
    )
    pdf = base64.b64decode(driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) >= 2
    assert driver.execute_script("return seen") == [cards, 0]
    assert driver.execute_script(closed) == parts, "what was closed is closed again"
    set_width(driver, "paper")
    assert driver.execute_script("return getComputedStyle(document.querySelector('.filters')).display") == "none"
    assert_quiet(driver)


def hostile(made: Measurement) -> Measurement:
    """The same with every text that comes from users and files turned against the page."""
    result = replace(made.entry.result, method=HOSTILE, warnings=(HOSTILE,))
    facts = replace(made.entry.provenance, command=HOSTILE, model={HOSTILE: HOSTILE})
    defect = benchmark.Defect(HOSTILE, HOSTILE, HOSTILE, items=(HOSTILE,))
    data = replace(made.entry.data, root=HOSTILE, defects=(defect,))
    views = tuple(VideoView(HOSTILE, view.timeline, view.thumbnails) for view in made.views[:1])
    entry = replace(made.entry, result=result, provenance=facts, data=data, names=(HOSTILE,))
    return Measurement(entry, views)


def assert_harmless(driver: Any) -> None:
    assert "HACKED" not in driver.title.replace(SHOWN, "")
    assert driver.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    assert driver.execute_script("return document.querySelectorAll('script').length") == 3
    assert_quiet(driver)


def test_hostile_names_stay_text(runs: list[Measurement], tmp_path: Path, browser: Callable[..., Any]) -> None:
    driver = browser(report.add(tmp_path / "run", hostile(runs[0])), height=4000)
    seen(driver, "return document.querySelectorAll('.curve').length === 1")
    assert texts(driver, ".card strong") == [SHOWN]
    assert texts(driver, ".command") == [SHOWN]
    assert texts(driver, ".warnings li") == [SHOWN]
    assert SHOWN in texts(driver, ".facts dd")
    assert_harmless(driver)
    raw = (tmp_path / "run" / "report.html").read_text()
    assert "<img src=x" not in raw
    lines = (tmp_path / "run" / "report.md").read_text().splitlines()
    outside = [re.sub(r"`[^`]*`", "", line) for line in lines if not line.startswith("    ")]
    assert any("img" in line for line in outside)
    assert not [line for line in outside if re.search(r"(?<!\\)<", line)]


def test_a_comparison(runs: list[Measurement], tmp_path: Path, browser: Callable[..., Any]) -> None:
    from lavida_bench.metrics._bootstrap import Difference

    timelines = [view.timeline for view in runs[0].views]
    pairs = [
        ComparedVideo("worse", (timelines[0], timelines[0]), (0.2, 0.9)),
        ComparedVideo("better", (timelines[1], timelines[1]), (0.9, 0.2)),
    ]
    difference = Difference(0.1, 0.05, 0.2, 0.99, 30, 0.8, 0.7)
    compared = Comparison(
        "folder", "official/2", (HOSTILE, "other"), ("all", "all"), {"frame_auc": {"micro": difference}},
        (*pairs, ComparedVideo(HOSTILE, (timelines[2], timelines[2]), (None, None))), 30, 0,
        ("the prompts differ: one against another",), (("dog", HOSTILE), ("dog", "cat")), "frame_auc",
    )  # fmt: skip
    driver = browser(comparison.write(tmp_path, [compared], current_provenance({}, HOSTILE)), height=3000)
    seen(driver, "return document.querySelectorAll('.curve').length === 6")
    assert texts(driver, ".lines tbody tr > *") == [
        "frame AUC ↑official metric", "micro", "80.00", "70.00", "+10.00[5.00, 20.00]", "0.990", "", f"{SHOWN} is better",
    ]  # fmt: skip
    assert texts(driver, ".prompts dt") == ["both methods", f"{SHOWN} alone", "other alone"]
    assert texts(driver, ".prompts dd") == ["dog", SHOWN, "cat"]
    assert texts(driver, ".forest > div:not(.scale) b") == ["+10.00"]
    assert texts(driver, ".forest .chance") == ["no difference"]
    assert any("the prompts differ" in text for text in texts(driver, ".warnings li"))
    assert driver.execute_script("return document.querySelectorAll('.curve .series1').length") == 3
    assert shown(driver, "section") == ["worse", "better", SHOWN]
    choose(driver, "section", "order", "first")
    assert shown(driver, "section") == ["better", "worse", SHOWN]
    assert_fits(driver)
    assert_harmless(driver)
