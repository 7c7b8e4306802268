"""The preview page in a real browser, with hostile names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lavida_gen.building import build as builder
from lavida_gen.common.text import printable
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.inspection import preview
from lavida_gen.scenes import images, masks

HOSTILE = "<img src=x onerror=\"document.title='HACKED'\"></script><script>document.title='HACKED'</script>\u2028'&amp;"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("preview") / "corpus"
    plain = {
        "name": "look",
        "about": "For looking at.",
        "samples": 40,
        "sources": [
            {"name": "street", "scenes": 30, "size": [96, 128], "weight": 2},
            {"name": "street", "kind": "clip", "frames": 3, "scenes": 9, "size": [96, 128], "seed": 2},
        ],
        "exposures": ["relabel", "absent", "near_miss"],
        "names_per_prompt": 6,
    }
    builder.build(recipes.parse(plain), out)
    return out


@pytest.fixture(scope="module")
def page(corpus: Path) -> Path:
    return preview.write_preview(open_corpus(corpus), corpus / "preview.html", limit=30)


def toy_card(index: int, name: str) -> dict[str, Any]:
    frame = images.encode_jpeg(np.full((30, 40, 3), 90, np.uint8))
    bits = np.zeros((30, 40), bool)
    bits[5:20, 8:30] = True
    shown = preview.frame_thumbnail(frame, masks.to_png(masks.encode(bits)), [2, 2, 9, 9], 40)
    return {
        "index": index, "kind": "image", "split": "train", "source": name, "exposure": "relabel", "exposed": True,
        "names": [name], "labels": [True], "question": f"Look for {name}.", "answer": "<SEG>", "licence": name,
        "frames": [shown], "facts": [[name, name]],
    }  # fmt: skip


def test_chosen_samples_cover_all_groups_and_the_whole_corpus(corpus: Path) -> None:
    rows = open_corpus(corpus).rows()
    chosen = preview.choose_samples(rows, 12)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 12
    every = {(row["kind"], row["exposure"]) for row in rows}
    assert {(rows[n]["kind"], rows[n]["exposure"]) for n in chosen} == every
    assert preview.choose_samples(rows, 1000) == list(range(40))


def test_data_cannot_leave_its_script_element() -> None:
    text = preview.preview_page({"name": HOSTILE, "cards": [toy_card(0, HOSTILE)]})
    data = text.split('<script id="data" type="application/json">')[1].split("</script>")[0]
    assert "<" not in data
    assert json.loads(data)["cards"][0]["names"] == [printable(HOSTILE)]
    assert "<img src=x" not in text


def test_a_name_may_look_like_a_template_variable() -> None:
    text = preview.preview_page({"name": "$DATA $TITLE", "cards": [toy_card(0, "$STYLE")]})
    assert "<title>$DATA $TITLE: preview</title>" in text
    data = text.split('<script id="data" type="application/json">')[1].split("</script>")[0]
    assert json.loads(data)["cards"][0]["names"] == ["$STYLE"]


def visible(driver: Any) -> list[int]:
    return driver.execute_script(
        "return [...document.querySelectorAll('.card')].filter(c => !c.hidden).map(c => +c.dataset.index)"
    )


def choose_option(driver: Any, select: str, value: str) -> None:
    driver.execute_script(
        "const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('change'))",
        select,
        value,
    )


def assert_quiet(driver: Any) -> None:
    """Nothing in the console, no request but for the page itself."""
    assert driver.get_log("browser") == []
    events = [json.loads(one["message"])["message"] for one in driver.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    asked = [
        url for url in asked if not url.startswith(("chrome:", "chrome-untrusted:"))
    ]  # the browser's own start page
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


@pytest.mark.browser
def test_filters_detail_and_clips(page: Path, corpus: Path, browser: Callable[..., Any]) -> None:
    from selenium.webdriver.common.by import By

    driver = browser(page)
    rows = {row["index"]: row for row in open_corpus(corpus).rows()}
    everything = visible(driver)
    assert len(everything) == 30
    for select, key, values in (
        ("exposure", "exposure", ("relabel", "absent", "near_miss")),
        ("split", "split", ("train", "val")),
        ("source", "source", ("street",)),
    ):
        for value in values:
            choose_option(driver, select, value)
            assert visible(driver) == [n for n in everything if rows[n][key] == value]
        choose_option(driver, select, "")
    choose_option(driver, "exposed", "true")
    assert visible(driver) == [n for n in everything if rows[n]["exposed"]]
    choose_option(driver, "exposed", "")
    name = rows[everything[0]]["names"][0]
    driver.find_element(By.ID, "find").send_keys(name.upper())
    assert visible(driver) == [n for n in everything if any(name in own for own in rows[n]["names"])]
    assert driver.find_element(By.ID, "count").text == f"{len(visible(driver))} of 30 shown"
    driver.find_element(By.ID, "reset").click()
    assert visible(driver) == everything

    choose_option(driver, "masks", "off")
    assert driver.execute_script("return getComputedStyle(document.querySelector('.thumbnail svg')).display") == "none"

    first = next(n for n in everything if rows[n]["exposed"])
    marked = driver.execute_script(
        "return [...document.querySelectorAll(`.card[data-index='${arguments[0]}'] mark`)].map(m => m.textContent)",
        first,
    )
    assert marked == [n for n, y in zip(rows[first]["names"], rows[first]["labels"], strict=True) if y]

    driver.execute_script("document.querySelector(`.card[data-index='${arguments[0]}'] .thumbnail`).click()", first)
    detail = driver.find_element(By.ID, "detail")
    assert detail.is_displayed()
    assert f"lavida-gen show corpus {first}" in detail.text
    driver.find_element(By.ID, "close").click()
    assert not detail.is_displayed()

    clip = next(n for n in everything if rows[n]["kind"] == "clip")
    play = "const s = document.querySelector(`.card[data-index='${arguments[0]}'] .thumbnail`); s.dispatchEvent(new Event('pointerenter'))"
    driver.execute_script(play, clip)
    moved = f"return document.querySelector(`.card[data-index='{clip}'] .thumbnail`).dataset.frame !== undefined"
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 5).until(lambda d: d.execute_script(moved))
    assert_quiet(driver)


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_the_page_fits_the_window(page: Path, browser: Callable[..., Any], width: int) -> None:
    driver = browser(page, width)
    assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth"), "no scrolling sideways"
    assert driver.execute_script("return innerWidth") == width
    assert_quiet(driver)


@pytest.mark.browser
def test_hostile_names_remain_text(tmp_path: Path, browser: Callable[..., Any]) -> None:
    head = {"name": HOSTILE, "about": HOSTILE, "samples": 1, "exposed": 1, "seed": 0, "digest": "0" * 64}
    rows = [{"label": HOSTILE, "all": 1, "exposed": 1}]
    file = tmp_path / "p.html"
    file.write_text(
        preview.preview_page({**head, "charts": [{"title": HOSTILE, "rows": rows}], "cards": [toy_card(0, HOSTILE)]})
    )
    driver = browser(file)
    driver.execute_script("document.querySelector('.thumbnail').click()")
    assert "HACKED" not in driver.title.replace(printable(HOSTILE), "")
    assert driver.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    assert driver.execute_script("return document.querySelector('mark').textContent") == printable(HOSTILE)
    assert_quiet(driver)
