"""The quick part of the fuzzer: four mutated inputs of each kind, read by the real verbs and readers in this process.

`make fuzz` runs 2,000 in processes of their own. A case that failed there and was put right is listed in FORMER.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parents[1] / "benchmarks" / "reliability"
sys.path.insert(0, str(HERE))
fuzz_all = importlib.import_module("fuzz_all")
MODULES = ("fuzz", "fuzz_case", "fuzz_table")
SEEDS = 4
FORMER: dict[str, tuple[int, ...]] = {}
"""Area -> seeds that once gave a traceback, a hang or worse."""


@pytest.fixture(scope="module", name="fuzzer")
def _fuzzer() -> SimpleNamespace:
    return SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})


@pytest.mark.parametrize("name", fuzz_all.names())
def test_mutated_input_is_right_or_one_clear_error(
    name: str, fuzzer: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("LAVIDA_GEN_CACHE", str(tmp_path / "cache"))
    area, template, cases = fuzz_all.area(name), tmp_path / "template", tmp_path / "cases"
    template.mkdir()
    area.prepare(template)
    for seed in (0, *range(1, 1 + SEEDS), *FORMER.get(name, ())):
        home = cases / str(seed)
        home.mkdir(parents=True)
        outcome = fuzzer.fuzz_case.run_case(area, seed, template, home)
        assert outcome.end == "success" or (seed and outcome.end == "error"), f"{name}:{seed}: {outcome}"


def area_of(fuzzer: SimpleNamespace, run: object) -> object:
    return fuzzer.fuzz_case.Area("planted", lambda folder: (folder / "a.txt").write_text("1 2 3"), run)


def planted(fuzzer: SimpleNamespace, tmp_path: Path, run: object) -> str:
    area = area_of(fuzzer, run)
    (tmp_path / "template").mkdir()
    area.prepare(tmp_path / "template")  # type: ignore[attr-defined]
    (tmp_path / "cases" / "0").mkdir(parents=True)
    return str(fuzzer.fuzz_case.run_case(area, 0, tmp_path / "template", tmp_path / "cases" / "0").end)


def test_the_fuzzer_sees_what_it_looks_for(fuzzer: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Problems planted on purpose: each is found under its name."""
    import time

    import numpy as np

    from lavida_gen.common.errors import DataError

    def raises(error: BaseException) -> object:
        def run(given: Path, out: Path, seed: int) -> str:
            raise error

        return run

    def wrapped(given: Path, out: Path, seed: int) -> str:
        try:
            raise MemoryError
        except MemoryError as error:
            raise DataError("a: b") from error

    runs = {
        "success": lambda given, out, seed: (out / "x").write_text("x") and "fine",
        "error": raises(DataError("a.txt: empty")),
        "unclear": raises(DataError("something happened")),
        "traceback": raises(KeyError("a")),
        "memory": lambda given, out, seed: str(np.ones((1100, 1 << 20), np.uint8).sum()),
        "outside": lambda given, out, seed: str((out.parent / "outside.txt").write_text("x")),
        "raw": lambda given, out, seed: "\x1b[31mred",
    }
    ends = {name: planted(fuzzer, tmp_path_factory.mktemp("planted"), run) for name, run in runs.items()}
    ends["wrapped"] = planted(fuzzer, tmp_path_factory.mktemp("planted"), wrapped)
    changed = planted(
        fuzzer, tmp_path_factory.mktemp("planted"), lambda given, out, seed: (given / "a.txt").unlink() or ""
    )
    fuzzer.fuzz_case.IDLE_LIMIT, before = 0.5, fuzzer.fuzz_case.IDLE_LIMIT
    try:
        hang = planted(fuzzer, tmp_path_factory.mktemp("planted"), lambda given, out, seed: time.sleep(30) or "")
    finally:
        fuzzer.fuzz_case.IDLE_LIMIT = before
    assert ends == {**{name: name for name in runs}, "wrapped": "memory"}
    assert (changed, hang) == ("outside", "hang")


def test_a_crash_ends_its_case_alone(fuzzer: SimpleNamespace, tmp_path: Path) -> None:
    import os
    import signal

    result = fuzzer.fuzz._forked(lambda: os.kill(os.getpid(), signal.SIGSEGV), tmp_path)
    assert result["end"] == "crash"
    assert fuzzer.fuzz._forked(lambda: {"end": "success"}, tmp_path) == {"end": "success"}


def test_cases_are_spread_evenly_and_areas_are_many(fuzzer: SimpleNamespace) -> None:
    names = fuzz_all.names()
    cases = [case for case in fuzzer.fuzz.wanted(names, 2000) if case[1]]
    assert len(cases) == len(set(cases)) == 2000
    assert len(names) >= 50
    counts = [sum(area == name for area, _ in cases) for name in names]
    assert max(counts) - min(counts) <= 1


def test_the_table_counts_and_names_what_is_open(fuzzer: SimpleNamespace) -> None:
    row = {"area": "corpora", "mutation": "", "detail": "", "seconds": 1.25, "mebibytes": 30.0}
    rows = [{**row, "seed": seed, "end": end} for seed, end in enumerate(("success", "success", "error", "hang"))]
    lines = fuzzer.fuzz_table.table(rows).splitlines()
    assert lines[2] == "| corpora | 3 | 1 | 1 | 1 | 1.2 | 30 |"
    assert lines[-1] == "Open: `corpora:3` (hang)."
    assert fuzzer.fuzz_table.table(rows[:3]).endswith("Open: none.")
