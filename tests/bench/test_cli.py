"""The command lavida-bench: its verbs, found by file name, and its errors."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lavida.errors import LavidaError
from lavida_bench import cli
from lavida_bench.benchmarks import _base as benchmark
from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.plugins import names
from lavida_gen.recipe_files.kinds import ABLATION, RUN

VERBS = [name.replace("_", "-") for name in names(cli.COMMANDS)]


def run(*words: object) -> Any:
    return CliRunner().invoke(cli.main, [str(word) for word in words])


def test_the_verbs_of_the_readme_are_there() -> None:
    assert {
        "check",
        "benchmarks",
        "metrics",
        "score-files",
        "compare",
        "fit",
        "score",
        "report",
        "run",
        "predict",
        "recipes",
    } <= set(VERBS)
    for verb in ("predict", "recipes", "run", "report", "check", "score", "score-files"):
        assert f"  lavida-bench {verb} " in run("--help").output.split("Start here")[1].split("Options:")[0] + " "
    listed = run("--help").output.split("Commands:")[1].splitlines()
    assert [line.split()[0] for line in listed if line.strip()] == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_describes_itself(verb: str) -> None:
    done = run(verb, "--help")
    assert done.exit_code == 0
    assert done.output.startswith(f"Usage: main {verb}")
    assert len(done.output) > 200


def test_a_verb_that_is_none() -> None:
    done = run("chekc")
    assert done.exit_code == 2
    assert "unknown command 'chekc'; did you mean 'check'?" in done.output


@pytest.mark.parametrize(
    ("error", "code"), [(UserError("words"), 2), (DataError("data"), 1), (LavidaError("model"), 1)]
)
def test_errors_become_a_line_and_a_code(error: Exception, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(benchmark, "make", fails)
    done = run("check", "street")
    assert (done.exit_code, done.output) == (code, f"error: {error}\n")
    for words in (("--debug", "check", "street"), ("check", "street", "--debug")):
        assert isinstance(run(*words).exception, type(error))


def test_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "make", stopped)
    done = run("check", "street")
    assert (done.exit_code, done.output) == (
        130,
        "\nstopped; finished work is kept: run the same command again to continue\n",
    )


def test_sigterm_is_ctrl_c_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a loop caught the interrupt and raises a new one at its end; the handler is gone afterwards."""

    def stopped(*_: object) -> None:
        with suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        raise KeyboardInterrupt

    monkeypatch.setattr(benchmark, "make", stopped)
    done = run("check", "street")
    assert (done.exit_code, done.output.strip()) == (
        143,
        "stopped; finished work is kept: run the same command again to continue",
    )
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_check_of_a_sound_folder_and_of_one_that_is_not(small_folder: Path, tmp_path: Path) -> None:
    done = run("check", "folder", "--root", small_folder)
    assert done.exit_code == 0, done.output
    assert "folder: nothing to compare with" in done.output
    plain = json.loads(run("check", "folder", "--root", small_folder, "--quick", "--json").output)
    assert (plain["found"], plain["decoded"]) == ({"videos": 3, "frames": 30, "abnormal_frames": 9}, False)
    done = run("check", "ucf_crime", "--root", tmp_path / "none")
    assert done.exit_code == 1
    assert "no such folder" in done.output


def test_benchmarks_are_listed_and_described() -> None:
    done = run("benchmarks")
    rows = {line.split()[0] for line in done.output.splitlines() if line and line[0] != "`"}
    assert rows == {"name", *benchmark.known()}
    assert "https://www.crcv.ucf.edu/projects/real-world/" in done.output
    text = run("benchmarks", "ucf_crime").output
    assert "290 videos, 1,111,808 frames, 84,331 abnormal frames" in text
    assert "research use" in text
    assert "Anomaly-Videos/Arson/Arson009_x264.mp4" in text
    assert set(json.loads(run("benchmarks", "--json").output)) == set(benchmark.known())
    assert run("benchmarks", "ucf").exit_code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["labels"], "--set labels: no '='; expected KEY=VALUE"),
        (["labels=["], "--set labels=[: the value is no YAML"),
        (["labels=2020-13-45"], "--set labels=2020-13-45: the value is no YAML (month"),
        (["label=pixels"], "avenue: unknown option 'label'; did you mean 'labels'?"),
        (["labels=x"], "avenue: option labels: expected 'pixels' or 'intervals'; got 'x'"),
    ],
)
def test_invalid_settings(words: list[str], message: str) -> None:
    done = run("check", "avenue", "--set", *words)
    assert done.exit_code == 2
    assert message in done.output


def test_a_benchmark_that_is_drawn_does_not_take_a_file_for_its_folder(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"x")
    done = run("check", "street", "--root", str(tmp_path / "v.mp4"))
    assert done.exit_code == 1
    assert done.output.endswith("v.mp4: is a file; expected an empty folder or a drawn one; give another --root\n")


def test_a_seed_below_zero() -> None:
    for words in (("score-files", "street", "--scores", "x"), ("compare", "a", "b")):
        assert "-1 is not in the range x>=0" in run(*words, "--seed", "-1").output


def test_recipes_are_listed_and_printed_to_start_from() -> None:
    done = run("recipes")
    assert "demo  " in done.output
    assert "lavida-bench ablate" in next(line for line in done.output.splitlines() if line.startswith("exposures"))
    assert "`lavida-bench recipes NAME` prints one, to copy and change." in done.output
    assert set(json.loads(run("recipes", "--json").output)) == {*RUN.built_in(), *ABLATION.built_in()}
    assert run("recipes", "demo").output.strip() == RUN.find("demo").read_text("utf-8").strip()
    assert "\narms:\n" in run("recipes", "exposures").output
    done = run("recipes", "coco")
    assert (done.exit_code, "a recipe of a corpus: `lavida-gen build" in done.output) == (2, True)
