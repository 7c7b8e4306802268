"""A model that somebody else saved scores one grey picture before anything is created.

Its weights are checked against its configuration where it is loaded; numbers that have no weights of their size (heads,
strides, sections of rotary positions) show here. It costs one forward pass, little beside loading.
"""

from __future__ import annotations

import numpy as np
import torch

from lavida_bench.scoring.scorer import Scorer
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import reason_of

SIDE = 64
"""Height and width of the picture in pixels."""


def refuse_unfit(scorer: Scorer, where: str) -> None:
    """Refuse a model that cannot score a picture.

    Args:
        scorer: The model, loaded.
        where: Its folder or name, for the error.

    Raises:
        DataError: It fails, or gives a score that is no number.
    """
    expected, todo = "a configuration that fits weights and tokenizer", "save or fetch it again; --debug shows where"
    try:
        scores = scorer.score(scorer.prepare([np.full((1, SIDE, SIDE, 3), 127, np.uint8)], ("thing",)))()
    except (MemoryError, torch.OutOfMemoryError):
        raise  # of the machine, not of the model
    except Exception as error:
        raise DataError(
            problem(where, f"the model cannot score a grey picture ({reason_of(error)})", expected, todo)
        ) from error
    if not np.isfinite(scores.frames).all():
        got = f"the model gives a grey picture the score {scores.frames.ravel()[0]}"
        raise DataError(problem(where, got, "a finite number", f"take another --precision, or {todo}"))
