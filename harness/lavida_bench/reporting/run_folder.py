"""A run folder: results.json, report.md and report.html, one entry for each benchmark, protocol and method.

RUN/results.json            the numbers, see results_json.py
RUN/report.md, report.html  made from it and from the views of the videos
RUN/pictures/ENTRY.json     what the page shows of each video
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from lavida_bench.evaluation.measure import Measurement
from lavida_bench.metrics._intervals import METHOD
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.markdown import LEGEND, defect_lines, markdown
from lavida_bench.reporting.remarks import remarks
from lavida_bench.reporting.table import ResultTable, format_estimate, result_table
from lavida_bench.reporting.variants import variant_details
from lavida_bench.results import results_json
from lavida_bench.results.result import Result
from lavida_bench.results.results_json import ResultEntry, RunResults
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import parsing, read_text
from lavida_gen.common.json_file import read_json
from lavida_gen.common.text import printable
from lavida_gen.common.yaml_text import load_yaml

PICTURES = "pictures"
HTML, MARKDOWN, RECIPE = "report.html", "report.md", "recipe.yaml"
View = Mapping[str, object]
"""What a page shows of a video, as pictures/ENTRY.json holds it; at least its "key"."""


def add(run: Path, measurement: Measurement) -> Path:
    """Put an entry into a run folder, in the place of an older one with the same key.

    Args:
        run: The folder, made where it is missing.
        measurement: The entry and the views of its videos.

    Returns:
        The path of the HTML page.

    Raises:
        DataError: results.json is of another version or cannot be read, or the disk is full.
    """
    results = results_json.read(run) if (run / results_json.FILE).is_file() else RunResults()
    (run / PICTURES).mkdir(parents=True, exist_ok=True)
    views = [view.to_json() for view in measurement.views]
    write_atomic(_views_path(run, measurement.entry), json.dumps(views, allow_nan=False).encode())
    results_json.write(run, results.with_entry(measurement.entry))
    return render(run)


def render(run: Path) -> Path:
    """Write both pages from what is in the folder.

    Args:
        run: The folder.

    Returns:
        The path of the HTML page.

    Raises:
        DataError: A file of the folder cannot be read, or the disk is full.
    """
    results = results_json.read(run)
    name = _title(run)
    write_atomic(run / MARKDOWN, printable(markdown(results, name)).encode())
    entries = [page_data(entry, _read_views(run, entry)) for entry in results.entries]
    data = {"name": name, "legend": LEGEND, "entries": entries}
    write_atomic(run / HTML, fill("report.html", f"{name}: results", data).encode())
    return run / HTML


def _title(run: Path) -> str:
    """The name of the run's recipe; the folder's, where scores came from elsewhere."""
    try:
        recipe = load_yaml(read_text(run / RECIPE))
        return str(recipe["name"]) if isinstance(recipe, dict) else run.resolve().name
    except (DataError, KeyError, yaml.YAMLError):
        return run.resolve().name


def _views_path(run: Path, entry: ResultEntry) -> Path:
    return run / PICTURES / f"{entry.slug}.json"


def _read_views(run: Path, entry: ResultEntry) -> list[View]:
    """The views of an entry's videos; [] where the file was removed. Raises DataError."""
    path = _views_path(run, entry)
    if not path.is_file():
        return []
    todo = "remove it, or report again"
    views = read_json(path, "what a report shows of each video", todo)
    if not isinstance(views, list) or not all(isinstance(view, dict) and "key" in view for view in views):
        raise DataError(problem(path, "no list of what a report shows of each video", todo=todo))
    with parsing(path, "finite numbers", todo):
        json.dumps(views, allow_nan=False)  # as the page will
    return views


def page_data(entry: ResultEntry, views: Sequence[View]) -> dict[str, object]:
    """Collect what the page shows of one entry.

    Args:
        entry: An entry of results.json.
        views: The views of its videos.

    Returns:
        Plain JSON, with the keys that report.html reads.
    """
    result, table = entry.result, result_table(entry)
    per_video = _values_per_video(result)
    coverage = result.coverage
    return {
        "slug": entry.slug,
        "benchmark": result.benchmark,
        "method": result.method,
        "protocol": result.protocol,
        "about": result.protocol_text,
        "coverage": {"text": str(coverage), "share": coverage.share, "complete": coverage.complete},
        "missing": list(coverage.missing),
        "warnings": list(result.warnings),
        "defects": list(defect_lines(entry.data.defects)),
        "columns": [{**asdict(column), "heading": column.heading} for column in table.columns],
        "rows": _page_rows(table),
        "remarks": remarks(entry),
        "details": [{**asdict(detail), "text": detail.text} for detail in variant_details(result)],
        "not_scored": dict(result.not_scored),
        "facts": _facts(entry),
        "command": entry.provenance.command,
        "videos": [{**view, "value": per_video.get(str(view["key"]))} for view in views],
    }


def _values_per_video(result: Result) -> Mapping[str, float | None]:
    """Video -> its frame AUC, or its headline metric where there is no frame AUC."""
    headline = next(iter(result.metrics.values()), None)
    metric = result.metrics.get("frame_auc", headline)
    return metric.per_video if metric else {}


def _page_rows(table: ResultTable) -> list[dict[str, object]]:
    rows = []
    for row in table.rows:
        pairs = zip(row.cells, table.columns, strict=True)
        texts = [format_estimate(estimate, column.unit) for estimate, column in pairs]
        rows.append({**asdict(row), "texts": texts})
    return rows


def _facts(entry: ResultEntry) -> list[tuple[str, str]]:
    """Names and values of what else a reader needs to know."""
    provenance, result = entry.provenance, entry.result
    facts = {
        "protocol": f"{result.protocol}: {result.protocol_text}",
        "intervals": f"95 % {METHOD}, {result.resamples:,} resamples, seed {result.seed}",
        "names given to the prompt": ", ".join(entry.names),
        **provenance.model,
        "data": f"{entry.data.root} ({entry.data.licence})",
        "options": ", ".join(f"{key}={value}" for key, value in entry.data.settings.items()),
        "versions": ", ".join(f"{package} {version}" for package, version in provenance.versions.items()),
        "made": provenance.made,
    }
    return [(name, value) for name, value in facts.items() if value]
