"""How it is known whether a listed name is in the scene, and what may be done with a picture: values of a record.

A name that is in the scene is `annotated` (the data set's mask) or `made` (an exposure pasted or moved it). A name that
is not there is

- `verified`: the data set itself states that it is absent (gRefCOCO's expressions without a target, drawn scenes);
- `exhaustive`: it belongs to a closed vocabulary that the data set annotates completely in every scene;
- `stated`: the user lists it as absent;
- `unannotated`: it is merely not mentioned.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

Evidence = Literal["annotated", "made", "verified", "exhaustive", "stated", "unannotated"]
"""How the label of a listed name is known."""
TrueEvidence = Literal["annotated", "made"]
"""Of a name that is in the scene as the anomaly."""
FalseEvidence = Literal["verified", "exhaustive", "stated", "unannotated"]
"""Of a name that is not in the scene, the strongest first."""

TRUE_EVIDENCE: tuple[str, ...] = ("annotated", "made")
FALSE_EVIDENCE: tuple[str, ...] = ("verified", "exhaustive", "stated", "unannotated")
UNKNOWN = "unknown"
"""Of a name that is not in the scene, in a corpus of format 1, which does not record evidence."""
EVIDENCE = (*TRUE_EVIDENCE, *FALSE_EVIDENCE, UNKNOWN)
"""All classes, in the order of tables."""

Pictures = Literal["drawn", "photographed", "unknown"]
"""What a data set's pictures are; a model that has seen drawings only is no use on photographs."""

Use = Literal["free", "noncommercial", "forbidden"]
"""What may be done with a picture: any use, non-commercial use only, not to be passed on at all."""
USES: tuple[Use, ...] = ("free", "noncommercial", "forbidden")
"""From the most permissive to the strictest."""


def strictest(uses: Iterable[Use]) -> Use:
    """The strictest of several uses.

    Args:
        uses: At least one.
    """
    return max(uses, key=USES.index)
