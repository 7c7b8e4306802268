"""`lavida-gen check`."""

from __future__ import annotations

import click

from lavida_gen.commands._shared import CODE, JSON, RECIPE, SET, print_problems
from lavida_gen.common.text import counted


@click.command()
@RECIPE
@CODE
@SET
@JSON
def command(recipe: str, allow_code: bool, settings: tuple[str, ...], as_json: bool) -> None:
    """Find all problems of a recipe and its data.

    It opens every source and reports missing files and unreadable annotations. It writes nothing. The exit code is 1 if
    a build would stop, 0 if there are only notes and what `broken: drop` leaves out.
    """
    from dataclasses import asdict

    from lavida_gen.building.check import check_data
    from lavida_gen.config import recipe as recipes

    loaded = recipes.load(recipe, settings, allow_code)
    found = list(check_data(loaded))
    errors, dropped, notes = (
        [finding.text for finding in found if finding.severity == severity] for severity in ("error", "dropped", "note")
    )
    verdict = [counted(len(errors), "problem") if errors else "sound"]
    if dropped:
        lost = counted(sum(finding.scenes for finding in found), "scene")
        verdict.append(f"`broken: drop` leaves out {lost} for {counted(len(dropped), 'reason')}")
    if notes:
        verdict.append(counted(len(notes), "note"))
    summary = f"recipe {loaded.name}: {', '.join(verdict)}"
    plain = [asdict(finding) for finding in found]
    print_problems(errors, summary, as_json, notes=notes, dropped=dropped, findings=plain)
