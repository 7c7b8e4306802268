"""Judged pairs of picture and absent name: their interval, and how a card shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lavida_gen.building import checked_pairs, plan_file
from lavida_gen.building.build import build
from lavida_gen.config.load_recipe import load_recipe
from lavida_gen.corpus.manifest import CheckedPairs


@pytest.mark.parametrize(
    ("wrong", "pairs", "low", "high"), [(0, 10, 0.0, 0.2775), (1, 100, 0.0018, 0.0545), (5, 5, 0.5655, 1.0)]
)
def test_wilson(wrong: int, pairs: int, low: float, high: float) -> None:
    """By hand: 1.96^2 / (10 + 1.96^2) = 0.2775 for none of ten; the interval of 5 of 5 mirrors that of 0 of 5."""
    assert checked_pairs.wilson(CheckedPairs(pairs=pairs, wrong=wrong)) == pytest.approx((low, high), abs=1e-4)


def test_a_card_shows_the_judged_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = load_recipe("street", {"samples": 4, "sources.0.scenes": 10, "val": 0})
    monkeypatch.setattr(plan_file, "checked_pairs", lambda name: None)
    build(recipe, tmp_path / "plain")
    assert "were judged one by one" not in (tmp_path / "plain" / "README.md").read_text()
    monkeypatch.setattr(plan_file, "checked_pairs", lambda name: CheckedPairs(pairs=200, wrong=1))
    manifest = build(recipe, tmp_path / "judged")
    assert {source.checked for source in manifest.sources if source.samples} == {CheckedPairs(pairs=200, wrong=1)}
    assert "| street | 200 | 1 | 0.5% | 0.1% to 2.8% |" in (tmp_path / "judged" / "README.md").read_text()


def test_the_file_holds_numbers_of_sources() -> None:
    for name, checked in checked_pairs._table().items():
        assert 0 <= checked.wrong <= checked.pairs, name
