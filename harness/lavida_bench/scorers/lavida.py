"""LAVIDA: the scorer of this project (arXiv 2602.19248).

A frame's score is the logit of the model's anomaly score, a pixel's that of its mask decoder, a name's that of its
name; the losses of the fit calibrate all three, so that 0 is a probability of one half.
"""

from __future__ import annotations

from lavida_bench.scorers._base import LoadSettings, ScorerInfo, ScorerKind
from lavida_bench.scoring.scorer import Scorer
from lavida_gen.common.errors import UserError


class LavidaKind(ScorerKind):
    """A saved Lavida, or a preset."""

    about = ScorerInfo(
        title="LAVIDA: a language model reads clip and names, SAM2's decoder gives the pixels",
        outputs=("frames", "maps", "names"),
        names_in_order=True,
        families=("lavida",),
    )

    def chosen(self, model: str | None) -> str:
        """See ScorerKind; there is no default, for no public model exists."""
        if model is None:
            raise UserError("--model is missing; expected a folder that a fit wrote, OWNER/NAME on the Hub, or tiny")
        return model

    def locate(self, model: str | None) -> None:
        """See ScorerKind."""
        from lavida_bench.scoring.lavida_scorer import locate_model

        locate_model(self.chosen(model))

    def compile(self, scorer: Scorer) -> None:
        """See ScorerKind."""
        from lavida_bench.scoring.lavida_scorer import LavidaScorer

        assert isinstance(scorer, LavidaScorer)
        scorer.compile()

    def load(self, where: str, how: LoadSettings) -> Scorer:
        """See ScorerKind."""
        from lavida_bench.scoring.lavida_scorer import load_scorer

        return load_scorer(where, how.precision, how.device, how.seed)
