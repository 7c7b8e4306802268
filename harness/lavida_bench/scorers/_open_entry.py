"""The scorer of an entry of `score`, or of the options of a command."""

from __future__ import annotations

from lavida_bench.config.recipe import ScoreEntry
from lavida_bench.scorers import _base as scorers
from lavida_bench.scorers._base import LoadSettings
from lavida_bench.scoring.scorer import Scorer


def locate_model(entry: ScoreEntry) -> None:
    """Find the model of an entry, or download it, before anything is created.

    Args:
        entry: The entry.

    Raises:
        UserError: There is no such scorer, option or model.
    """
    scorers.make(entry.scorer, entry.scorer_options, allow_code=True).locate(entry.model)  # the entry was allowed


def open_scorer(entry: ScoreEntry, seed: int = 0, device: str | None = None) -> Scorer:
    """Load the model of an entry.

    Args:
        entry: The entry.
        seed: Seed of random weights.
        device: torch's name of the device; None = this process' GPU if there is one.

    Returns:
        The scorer, compiled if the entry wants that.

    Raises:
        UserError: There is no such scorer, option, model or device.
        DataError: A file of the model cannot be read.
    """
    kind = scorers.make(entry.scorer, entry.scorer_options, allow_code=True)
    scorer = kind.open(entry.model, LoadSettings(entry.precision, device, seed))
    if entry.compile:
        kind.compile(scorer)
    return scorer
