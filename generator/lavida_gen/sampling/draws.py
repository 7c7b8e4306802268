"""The random numbers of a sample that depend on the seed and its number alone: `verify` draws them again."""

from __future__ import annotations

import hashlib
import struct
from typing import NamedTuple


class SampleDraws(NamedTuple):
    """Three independent random numbers in [0, 1) of a sample.

    Attributes:
        outcome: The sample shows an anomaly where this is below the recipe's `anomaly_ratio`.
        source: Chooses the source.
        exposure: Chooses the exposure.
    """

    outcome: float
    source: float
    exposure: float


def sample_draws(seed: int, index: int, turn: int = 0) -> SampleDraws:
    """Random numbers that depend on the arguments alone; faster than a numpy generator for each sample.

    Args:
        seed: Seed of the recipe, 0 to 2**64 - 1.
        index: Number of the sample.
        turn: 0 for the first numbers of a sample, 1 for the next, ...

    Returns:
        Equal numbers on any machine.
    """
    digest = hashlib.blake2b(struct.pack("<QQ", seed, index), digest_size=24, salt=struct.pack("<Q", turn)).digest()
    return SampleDraws(*(number / 2**64 for number in struct.unpack("<QQQ", digest)))
