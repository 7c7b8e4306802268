"""What a model was fitted on: the file fitted_on.json beside its weights, and the sentence that its users read.

`Lavida` carries it from `from_pretrained` to `save_pretrained`; `lavida-bench fit` adds an entry for each fit. A model
without the file is of unknown origin. The file may be somebody else's: sizes, types and texts are checked.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lavida.errors import CheckpointError, shorten

FILE = "fitted_on.json"
MAX_BYTES = 1_000_000
MAX_TEXT = 300
MAX_ENTRIES = 1_000

Pictures = Literal["drawn", "photographed", "unknown"]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT, pattern=r"^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$")]
"""One line without characters that move a cursor or change the direction of text."""
Count = Annotated[int, Field(ge=0, lt=2**63)]


class _Record(BaseModel):
    """A part of the file; keys of later versions are ignored."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class FittedSource(_Record):
    """A data set of which a corpus has samples.

    Attributes:
        name: Name of the source.
        licence: Its licence.
        use: What the licence allows: free, noncommercial or forbidden; "" if unknown.
        pictures: Whether its pictures are drawn or photographed.
        samples: Number of its samples in the corpus.
    """

    name: Text
    licence: Text = ""
    use: Text = ""
    pictures: Pictures = "unknown"
    samples: Count = 0


class FittedCorpus(_Record):
    """A corpus that a model was fitted on.

    Attributes:
        name: Name of its recipe.
        digest: Its digest, as in its corpus.json.
        generator: Version of lavida-gen that built it.
        share: Share of the fit's samples that are drawn from it, 0 to 1.
        sources: Its data sets.
    """

    name: Text
    digest: Text = ""
    generator: Text = ""
    share: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)
    sources: tuple[FittedSource, ...] = Field(default=(), max_length=MAX_ENTRIES)


class PastFit(_Record):
    """One fit of a model.

    Attributes:
        recipe: Name of its recipe.
        steps: Optimiser steps up to the weights that were kept.
        samples: Samples of these steps, repeated ones counted again.
        corpora: What the samples are of.
    """

    recipe: Text
    steps: Count = 0
    samples: Count = 0
    corpora: tuple[FittedCorpus, ...] = Field(default=(), max_length=MAX_ENTRIES)


class FittedOn(_Record):
    """Everything that a model's weights were fitted on.

    Attributes:
        format: Version of the file.
        complete: Whether `parts` and `fits` are all there is; False where a fit began with a model of unknown origin.
        parts: The pretrained parts that the model began with, as they were named.
        fits: The fits, the oldest first.
    """

    format: Literal[1] = 1
    complete: bool = True
    parts: tuple[Text, ...] = Field(default=(), max_length=MAX_ENTRIES)
    fits: tuple[PastFit, ...] = Field(default=(), max_length=MAX_ENTRIES)

    def after(self, fit: PastFit) -> FittedOn:
        """Add a fit.

        Args:
            fit: What the model was fitted on last.

        Returns:
            A copy with it.
        """
        return self.model_copy(update={"fits": (*self.fits, fit)})

    @property
    def shares(self) -> dict[Pictures, float]:
        """Share of the samples of all fits by what their pictures are, the largest first; {} if nothing was fitted."""
        counts: dict[Pictures, float] = defaultdict(float)
        for fit in self.fits:
            for corpus in fit.corpora or (FittedCorpus(name=""),):
                sources = corpus.sources or (FittedSource(name=""),)
                samples = [source.samples or 1 for source in sources]
                for source, part in zip(sources, samples, strict=True):
                    counts[source.pictures] += max(fit.samples, 1) * corpus.share * part / sum(samples)
        total = sum(counts.values()) or 1.0
        largest_first = sorted(counts.items(), key=lambda item: -item[1])
        return {pictures: count / total for pictures, count in largest_first if count}

    @property
    def summary(self) -> str:
        """What it is in a few words: ``drawn 100 %: street``, ``unknown``."""
        names = dict.fromkeys(source.name for fit in self.fits for one in fit.corpora for source in one.sources)
        kinds = ", ".join(f"{pictures} {100 * share:.0f} %" for pictures, share in self.shares.items())
        fitted = f"{kinds}: {shorten([*names])}" if names else kinds
        parts = f"pretrained parts {shorten(self.parts)}" if self.parts else ""
        before = "" if self.complete else "unknown before"
        if not fitted:
            return ("unknown" if before else parts) or "nothing"
        return "; ".join(text for text in (fitted, parts, before) if text)

    @property
    def notice(self) -> str:
        """The sentence for whoever uses the model's scores; "" where it has seen photographs."""
        shares = self.shares
        if "photographed" in shares:
            return ""
        if not self.complete or "unknown" in shares:
            return "Fitted on: unknown; it is not recorded whether this model has seen photographs."
        if not shares:
            random = "its projector is" if self.parts else "its weights are"
            return f"This model was fitted on nothing: {random} random."
        if self.parts:
            return "This model was fitted on drawings only, from pretrained parts: check it on real footage first."
        return "This model knows drawings only: its scores of real footage mean nothing."


UNKNOWN = FittedOn(complete=False)
"""Of a model without the file."""


def read(folder: str | os.PathLike[str]) -> FittedOn:
    """Read what a saved model was fitted on.

    Args:
        folder: Its folder.

    Returns:
        The content of its fitted_on.json; `UNKNOWN` if it has none.

    Raises:
        CheckpointError: The file is too large or does not have this form.
    """
    path = Path(folder) / FILE
    if not path.is_file():
        return UNKNOWN
    todo = "remove it: the model then counts as fitted on what is unknown"
    if path.stat().st_size > MAX_BYTES:
        raise CheckpointError(f"{path}: {path.stat().st_size:,} bytes; expected at most {MAX_BYTES:,}; {todo}")
    try:
        return FittedOn.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(key) for key in first["loc"]) or "the whole"
        raise CheckpointError(f"{path}: {where}: {first['msg']}; expected what `fit` writes; {todo}") from error


def write(folder: str | os.PathLike[str], fitted_on: FittedOn) -> None:
    """Write fitted_on.json, or remove an earlier one where nothing is known.

    Args:
        folder: Folder of a saved model.
        fitted_on: What the model was fitted on.
    """
    path = Path(folder) / FILE
    if fitted_on == UNKNOWN:
        path.unlink(missing_ok=True)
    else:
        path.write_text(fitted_on.model_dump_json(indent=1) + "\n", "utf-8")


def shorten_text(text: str) -> str:
    """Make a text of strangers one that fitted_on.json may have.

    Args:
        text: Any text.
    """
    return "".join(char if char.isprintable() else " " for char in text)[:MAX_TEXT]


def named_parts(parts: Iterable[str | os.PathLike[str]]) -> FittedOn:
    """Describe a model of pretrained parts with a fresh projector.

    Args:
        parts: Names on the Hub, folders or files; of the latter two the last name is kept.
    """
    names = (str(part) if not os.path.exists(part) else Path(part).name for part in parts)
    return FittedOn(parts=tuple(shorten_text(name) for name in names))
