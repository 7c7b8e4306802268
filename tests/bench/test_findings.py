"""The tables of docs/findings are those that benchmarks/findings.py prints, where the real annotations are at hand."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "findings"


@pytest.fixture(scope="module", name="findings")
def _findings() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield importlib.import_module("findings")
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.mark.parametrize("name", ["video_oracle", "videos_never_scored"])
def test_the_page_has_the_table_of_today(findings: ModuleType, name: str, shared_data: Path) -> None:
    table = "\n".join(findings.FINDINGS[name][0](shared_data))
    assert table in (PAGES / f"{name}.md").read_text("utf-8"), f"right is:\n{table}"


def test_the_page_of_the_centre_prior_has_the_numbers_of_today(findings: ModuleType, shared_data: Path) -> None:
    (row,) = [
        line for line in (PAGES / "centre_prior.md").read_text("utf-8").splitlines() if "| shanghaitech | c" in line
    ]
    for protocol in findings.BOTH:
        assert findings.value("shanghaitech", shared_data, protocol, "centre_prior") in row


def test_every_finding_has_a_page_and_none_is_left_over(findings: ModuleType) -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {"index", *findings.FINDINGS}


def test_what_is_missing_is_skipped_with_the_reason(
    findings: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["findings.py", "--data", str(tmp_path)])
    findings.main()
    output = capsys.readouterr().out
    assert output.count("skipped: no ") == len(findings.FINDINGS)
    assert f"skipped: no ucsd/UCSDped2 in {tmp_path}" in output
