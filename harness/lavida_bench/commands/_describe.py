"""What benchmarks and metrics there are, told in words and as plain data; and what a check found, as text."""

from __future__ import annotations

import inspect
from dataclasses import asdict
from typing import Any

from lavida_bench.benchmarks import _base as room
from lavida_bench.benchmarks._base import SplitSize
from lavida_bench.benchmarks._check import CheckReport
from lavida_bench.metrics import _base as measures
from lavida_bench.metrics._base import Metric
from lavida_bench.metrics._detection import DetectionCriterion
from lavida_gen.common import plugins
from lavida_gen.common.text import text_table
from lavida_gen.inspection.describe import Listing, describe_options, list_footer, unusable_plugins


def benchmarks() -> Listing:
    """All benchmarks, a line each."""
    rows: dict[str, Any] = {}
    reasons = unusable_plugins(room.PACKAGE, room.Benchmark)
    for name in room.known():
        if name in reasons:
            continue
        about = room.find_class(name).about
        totals = asdict(about.expected) if about.expected else None
        rows[name] = {"title": about.title, "licence": about.licence, "use": about.use, "page": about.page}
        rows[name] |= {"expected": totals, "metrics": about.metrics, "from": plugins.origin(room.PACKAGE, name)}
    cells = [
        (
            name,
            row["from"],
            _count(row["expected"]),
            ", ".join(row["metrics"]),
            row["licence"],
            row["title"],
            row["page"],
        )
        for name, row in rows.items()
    ]
    table = text_table(cells, ("name", "from", "expected", "metrics", "licence", "what it is", "page"))
    hint = "`lavida-bench benchmarks NAME` tells how to get one, how its folder must look, and its options."
    return Listing(table + list_footer(reasons, hint), rows)


def _count(totals: dict[str, int] | None) -> str:
    return f"{totals['videos']} videos, {totals['frames']:,} frames" if totals else ""


def benchmark(name: str, allow_code: bool = False) -> Listing:
    """One benchmark. Raises UserError for an unknown name."""
    cls = room.find_class(name, allow_code)
    about = cls.about
    expected = _numbers(about.expected) if about.expected else "whatever is there"
    text = [
        f"{name}: {about.title}",
        *([f"page       {about.page}"] if about.page else []),
        f"licence    {about.licence} ({about.use})",
        f"expected   {expected}",
        f"metrics    {', '.join(about.metrics)}",
        f"names      {', '.join(about.names) or 'given by each video'}",
        "", "How to get it", _indent(about.get), "", "How the folder must look", _indent(about.layout), "",
        "Options (--set KEY=VALUE)", _indent(describe_options(cls.Options)),
    ]  # fmt: skip
    if about.cite:
        text += ["", "Cite", _indent(about.cite)]
    return Listing("\n".join(text), {"name": name, **asdict(about), "options": cls.Options.model_json_schema()})


def metrics() -> Listing:
    """All metrics, a line each."""
    reasons = unusable_plugins(measures.PACKAGE, Metric)
    rows = {name: _metric(name) for name in measures.known() if name not in reasons}
    cells = [
        (name, row["from"], str(row["needs"]), ", ".join(row["variants"]), str(row["about"]))
        for name, row in rows.items()
    ]
    table = text_table(cells, ("name", "from", "needs", "variants", "what it is"))
    hint = "`lavida-bench metrics NAME` tells how one is defined."
    return Listing(table + list_footer(reasons, hint), rows)


def metric(name: str, allow_code: bool = False) -> Listing:
    """One metric. Raises UserError for an unknown name."""
    row, cls = _metric(name, allow_code), type(measures.make(name, allow_code))
    module = inspect.getdoc(inspect.getmodule(cls)) or ""
    bases = [inspect.getdoc(base) or "" for base in cls.__mro__[1:] if base is not Metric and issubclass(base, Metric)]
    fixed = ", ".join(f"{name} {value}" for name, value in _fixed(cls).items())
    needs = {"frames": "frame labels and scores", "pixels": "masks and pixel scores", "tracks": "tracks and regions"}
    text = [
        f"{name}: {row['about']}",
        f"needs      {needs[row['needs']]}",
        f"variants   {', '.join(row['variants'])} (the first is quoted)",
        f"unit       {row['unit'] or 'a share, 0 to 1'}; {'higher' if row['higher_is_better'] else 'lower'} is better",
        *([f"fixed      {fixed}, so that numbers can be compared"] if fixed else []),
        "", _indent(module), *(f"\n{_indent(text)}" for text in bases if text),
    ]  # fmt: skip
    return Listing("\n".join(text), {"name": name, **row, "definition": module})


def _fixed(cls: type[Metric]) -> dict[str, Any]:
    """What a metric's text names and nobody sets: arguments at their defaults, and what regions are compared by."""
    shape = {"shape": cls.shape} if issubclass(cls, DetectionCriterion) else {}
    return shape | {name: parameter.default for name, parameter in inspect.signature(cls).parameters.items()}


def _metric(name: str, allow_code: bool = False) -> dict[str, Any]:
    made = measures.make(name, allow_code)
    return {
        "about": made.about, "needs": made.needs, "variants": made.variants, "unit": made.unit,
        "higher_is_better": made.higher_is_better, "from": plugins.origin(measures.PACKAGE, name),
    }  # fmt: skip


def _indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def _numbers(totals: SplitSize) -> str:
    parts = {"videos": totals.videos, "frames": totals.frames, "abnormal frames": totals.abnormal_frames}
    return ", ".join(f"{number:,} {what}" for what, number in parts.items() if number is not None)


def verdict(report: CheckReport) -> str:
    """One line: whether the official number can be computed."""
    if report.official:
        expected = "as expected" if report.expected else "nothing to compare with"
        return f"{report.benchmark}: {expected}" + ("" if report.decoded else " (frames were not decoded)")
    why = [name.replace("_", " ") for name in report.differences()]
    fatal = sum(defect.fatal for defect in report.defects)
    said = ([f"{', '.join(why)} differ"] if why else []) + (
        [f"{fatal} fatal defect{'s' if fatal > 1 else ''}"] if fatal else []
    )
    return f"{report.benchmark}: official numbers can not be computed from this folder: {'; '.join(said)}"
