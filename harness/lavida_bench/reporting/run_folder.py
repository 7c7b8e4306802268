"""A run folder: results.json, report.md and report.html, one entry for each benchmark, protocol and method.

RUN/results.json            the numbers, see record.py
RUN/report.md, report.html  made from it and from the pictures
RUN/pictures/ENTRY.json     what the page shows of each video
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from lavida_bench.evaluation.measure import Measurement
from lavida_bench.reporting.html_page import fill
from lavida_bench.reporting.markdown import LEGEND, defect_lines, markdown
from lavida_bench.reporting.table import format_estimate, result_table, variant_details
from lavida_bench.results import results_json as records
from lavida_bench.results.results_json import ResultEntry, RunResults
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.json_file import read_json
from lavida_gen.recipe_files.reading import UNREADABLE

PICTURES = "pictures"
HTML, MARKDOWN, RECIPE = "report.html", "report.md", "recipe.yaml"


def add(run: Path, measured: Measurement) -> Path:
    """Puts an entry into a run folder, in the place of an older one of the same key; gives the page's path.

    Raises DataError for a folder whose results.json is of another version, and for a full disk.
    """
    record = records.read(run) if (run / records.FILE).is_file() else RunResults()
    (run / PICTURES).mkdir(parents=True, exist_ok=True)
    views = [view.to_json() for view in measured.views]
    write_atomic(_pictures(run, measured.entry), json.dumps(views, allow_nan=False).encode())
    records.write(run, record.with_entry(measured.entry))
    return render(run)


def render(run: Path) -> Path:
    """Writes both pages again from what is in the folder; gives the HTML's path. Raises DataError."""
    record = records.read(run)
    name = _title(run)
    write_atomic(run / MARKDOWN, markdown(record, name).encode())
    data = {
        "name": name,
        "legend": LEGEND,
        "entries": [entry_data(entry, _looks(run, entry)) for entry in record.entries],
    }
    write_atomic(run / HTML, fill("report.html", f"{name}: results", data).encode())
    return run / HTML


def _title(run: Path) -> str:
    """The name of the run's recipe; the folder's, where scores came from elsewhere."""
    try:
        return str(yaml.safe_load((run / RECIPE).read_bytes())["name"])
    except (OSError, *UNREADABLE):
        return run.resolve().name


def _pictures(run: Path, entry: ResultEntry) -> Path:
    return run / PICTURES / f"{entry.slug}.json"


def _looks(run: Path, entry: ResultEntry) -> list[dict[str, Any]]:
    """What was seen of each video; nothing where the file was removed."""
    path = _pictures(run, entry)
    if not path.is_file():
        return []
    todo = "remove it, or report again"
    looks = read_json(path, "what a report drew of each video", todo)
    if not isinstance(looks, list) or not all(isinstance(look, dict) and "key" in look for look in looks):
        raise DataError(problem(path, "no list of what was seen of each video", todo=todo))
    return looks


def entry_data(entry: ResultEntry, looks: list[dict[str, Any]]) -> dict[str, Any]:
    """What the page shows of one entry."""
    result, made = entry.result, result_table(entry)
    first = next(iter(result.metrics.values()), None)
    own = result.metrics.get("frame_auc", first)
    per_video = own.per_video if own else {}
    return {
        "slug": entry.slug,
        "benchmark": result.benchmark,
        "method": result.method,
        "protocol": result.protocol,
        "about": result.protocol_text,
        "coverage": {
            "text": str(result.coverage),
            "share": result.coverage.share,
            "complete": result.coverage.complete,
        },
        "missing": list(result.coverage.missing),
        "warnings": list(result.warnings),
        "defects": list(defect_lines(entry.data.defects)),
        "columns": [asdict(column) for column in made.columns],
        "rows": [
            {**asdict(row), "texts": [format_estimate(x, c.unit) for x, c in zip(row.cells, made.columns, strict=True)]}
            for row in made.rows
        ],
        "details": [
            {**asdict(detail), "text": format_estimate(detail.estimate, detail.unit)}
            for detail in variant_details(result)
        ],
        "not_scored": dict(result.not_scored),
        "facts": _facts(entry),
        "command": entry.provenance.command,
        "videos": [{**look, "value": per_video.get(look["key"])} for look in looks],
    }


def _facts(entry: ResultEntry) -> list[tuple[str, str]]:
    made, result = entry.provenance, entry.result
    facts = {
        "protocol": f"{result.protocol}: {result.protocol_text}",
        "intervals": f"95 %, {result.resamples:,} resamples of the videos, seed {result.seed}",
        "names given to the prompt": ", ".join(entry.names),
        **made.model,
        "data": f"{entry.data.root} ({entry.data.licence})",
        "options": ", ".join(f"{key}={value}" for key, value in entry.data.settings.items()),
        "versions": ", ".join(f"{key} {value}" for key, value in made.versions.items()),
        "made": made.made,
    }
    return [(key, value) for key, value in facts.items() if value]
