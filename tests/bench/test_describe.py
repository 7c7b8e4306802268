"""What `benchmarks` and `metrics` print: heads over columns, defaults as people write them, what nobody can set."""

from __future__ import annotations

import pytest

from lavida_bench.benchmarks import _base as benchmark
from lavida_bench.commands import _describe as describe
from lavida_bench.metrics import _base as metric


def test_lists_have_a_head() -> None:
    head, *rows = describe.benchmarks().text.splitlines()
    assert head.split() == ["name", "from", "expected", "metrics", "licence", "what", "it", "is", "page"]
    at = head.index("what it is")
    assert {row[at - 2 : at] for row in rows[: len(benchmark.known())]} == {"  "}, "columns stand under their heads"
    assert describe.metrics().text.splitlines()[0].split() == ["name", "from", "needs", "variants", "what", "it", "is"]


@pytest.mark.parametrize("name", benchmark.known())
def test_options_have_defaults_as_they_are_set(name: str) -> None:
    text = describe.benchmark(name).text
    assert "None" not in text
    assert "Options (--set KEY=VALUE)" in text


def test_a_default_is_yaml() -> None:
    assert "default [240, 360]" in describe.benchmark("street").text
    assert "labels     default pixels  frame labels by masks" in describe.benchmark("avenue").text


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        ("rbdc", "shape boxes, alpha 0.1, beta 0.1"),
        ("tbdc_masks", "shape masks, alpha 0.1, beta 0.1"),
        ("false_alarms_per_hour", "recall 0.8"),
    ],
)
def test_constants_are_listed_as_fixed(name: str, fixed: str) -> None:
    assert f"\nfixed      {fixed}, so that numbers can be compared\n" in describe.metric(name).text


def test_without_constants_nothing_is_listed_as_fixed() -> None:
    assert "fixed" not in describe.metric("frame_auc").text
    assert all(describe.metric(name).text for name in metric.known())
