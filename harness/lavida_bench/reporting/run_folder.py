"""A run folder: results.json, report.md and report.html, one entry for each benchmark, protocol and method.

RUN/results.json            the numbers, see results_json.py
RUN/report.md, report.html  made from it and from the views of the videos
RUN/pictures/ENTRY.json     what the page shows of each video
RUN/pictures/ENTRY/         its pictures (pictures.py)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import yaml

from lavida_bench.evaluation.measure import Measurement
from lavida_bench.metrics._intervals import METHOD
from lavida_bench.reporting import pictures
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.markdown import LEGEND, defect_lines, markdown
from lavida_bench.reporting.pictures import View
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
    folder = _pictures(run, measurement.entry)
    views = pictures.write(folder, measurement.views)
    write_atomic(_views_path(run, measurement.entry), json.dumps(views, allow_nan=False).encode())
    results_json.write(run, results.with_entry(measurement.entry))
    page = render(run)
    pictures.remove_others(folder, views)
    return page


def render(run: Path, single_file: bool = False) -> Path:
    """Write both pages from what is in the folder.

    Args:
        run: The folder.
        single_file: Whether the pictures are in the page itself, so that it can be sent alone, instead of beside it.

    Returns:
        The path of the HTML page.

    Raises:
        DataError: A file of the folder cannot be read, or the disk is full.
    """
    results = results_json.read(run)
    name = _title(run)
    write_atomic(run / MARKDOWN, printable(markdown(results, name)).encode())
    entries = [page_data(entry, _shown_views(run, entry, single_file)) for entry in results.entries]
    data = {"name": name, "legend": LEGEND, "single_file": single_file, "entries": entries}
    page = fill("report.html", f"{name}: results", data, pictures_beside=not single_file)
    write_atomic(run / HTML, page.encode())
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


def _pictures(run: Path, entry: ResultEntry) -> Path:
    return run / PICTURES / entry.slug


def _shown_views(run: Path, entry: ResultEntry, single_file: bool) -> list[View]:
    """The views of an entry's videos, with pictures that the page can show. Raises DataError."""
    folder = _pictures(run, entry)
    link = None if single_file else f"{PICTURES}/{quote(entry.slug)}/"
    views = _read_views(run, entry)
    return [pictures.with_sources(view, folder, link, _views_path(run, entry)) for view in views]


def _read_views(run: Path, entry: ResultEntry) -> list[View]:
    """The views of an entry's videos; [] where the file was removed. Raises DataError."""
    path, todo = _views_path(run, entry), pictures.TODO
    if not path.is_file():
        return []
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
