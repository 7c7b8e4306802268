"""`lavida-gen check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lavida_gen.commands._shared import CODE, JSON, RECIPE, SET, Advance, print_problems, progress
from lavida_gen.common.console import echo
from lavida_gen.common.text import counted

if TYPE_CHECKING:
    from lavida_gen.building.check import RecipeCheck

SEVERITIES = ("error", "dropped", "note")


@click.command()
@RECIPE
@CODE
@SET
@click.option(
    "--trial",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="Make N samples in memory, spread over splits, sources and exposures; 0 decodes no picture.",
)
@click.option(
    "--names",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Print N names of each source, the most frequent first.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write all names with pictures to an HTML file.",
)
@JSON
def command(
    recipe: str,
    allow_code: bool,
    settings: tuple[str, ...],
    trial: int,
    names: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Find all problems of a recipe and its data, and list its names.

    It opens every source and reports missing files and unreadable annotations; reads some scenes and makes some samples
    as a build would; and lists every name of every source: the number of scenes that hold it (after "~" an estimate
    from some of them), what it is, how its absence is known, and the names with which it conflicts, which are never
    listed as absent where it is annotated. Pairs of names of which that is doubtful are there for a person to read:
    `synonyms`, `kinds` and `parts` of the recipe correct them.

    It writes nothing but the report. The exit code is 1 if a build would stop, 0 if there are only notes and what
    `broken: drop` leaves out.

    \b
    lavida-gen check --recipe coco --set sources.0.root=/data/coco --report names.html
    """
    from dataclasses import asdict

    from lavida_gen.building.check import RecipeCheck
    from lavida_gen.config import recipe as recipes
    from lavida_gen.inspection.audit_text import audit_lines
    from lavida_gen.storage.output_folder import make_output_folder

    loaded = recipes.load(recipe, settings, allow_code)
    if report is not None:
        make_output_folder(report.parent, "--report")
    with progress(None, f"check {loaded.name}", "scenes") as advance:
        check = RecipeCheck(loaded, trial, advance)
        check.run()
        summary = _summary(check)
        if report is not None:
            _write_report(check, summary, report, advance)
    if not as_json:
        for audit in check.audits:
            echo("\n".join(audit_lines(audit, names)))
    texts = {
        kind: [row.text for row in check.findings if row.severity == kind] for kind in ("error", "dropped", "note")
    }
    print_problems(
        texts["error"],
        summary,
        as_json,
        notes=texts["note"],
        dropped=texts["dropped"],
        findings=[asdict(finding) for finding in check.findings],
        sources=[audit.plain() for audit in check.audits],
    )


def _summary(check: RecipeCheck) -> str:
    count = {kind: sum(row.severity == kind for row in check.findings) for kind in SEVERITIES}
    verdict = [counted(count["error"], "problem") if count["error"] else "sound"]
    if count["dropped"]:
        lost = counted(sum(finding.scenes for finding in check.findings), "scene")
        verdict.append(f"`broken: drop` leaves out {lost} for {counted(count['dropped'], 'reason')}")
    if count["note"]:
        verdict.append(counted(count["note"], "note"))
    return f"recipe {check.recipe.name}: {', '.join(verdict)}"


def _write_report(check: RecipeCheck, summary: str, report: Path, advance: Advance) -> None:
    from dataclasses import asdict

    from lavida_gen.inspection.audit_page import write_audit_page

    findings = [asdict(finding) for finding in check.findings]
    head = {"name": check.recipe.name, "about": check.recipe.about, "summary": summary, "findings": findings}
    page = write_audit_page(report, head, check.audits, check.opened, advance)
    echo(f"report: {page}", err=True)
