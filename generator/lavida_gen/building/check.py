"""What is odd in a recipe's data, as far as it can be found without a build, for `lavida-gen check`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lavida_gen.common.errors import LavidaGenError
from lavida_gen.common.findings import Finding, under_stop
from lavida_gen.config.recipe import CorpusRecipe
from lavida_gen.sampling.planner import SamplePlanner


def check_data(recipe: CorpusRecipe) -> Iterator[Finding]:
    """Open every data set of a recipe and report everything odd.

    Args:
        recipe: The recipe.

    Yields:
        Findings, none of them "dropped" where the recipe stops at broken data. A source that cannot be opened does not
        hide the findings of the others.
    """
    opens = True
    for number, entry in enumerate(recipe.sources):
        where = f"sources[{number}] ({entry.name})"
        try:
            source = entry.find_class()(entry.options)
            findings = source.findings()
            for finding in under_stop(findings) if recipe.broken == "stop" else findings:
                yield replace(finding, text=f"{where}: {finding.text}")
            opens = opens and not (recipe.broken == "stop" and any(source.left_out()))
        except LavidaGenError as error:
            opens = False
            yield from (Finding("error", f"{where}: {line}") for line in str(error).splitlines())
    if opens:
        try:
            yield from (Finding("note", text) for text in SamplePlanner.open(recipe).notes())
        except LavidaGenError as error:
            yield Finding("error", str(error))
