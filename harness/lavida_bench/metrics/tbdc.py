"""Track-based detection criterion (Ramachandra & Jones, WACV 2020): share of tracks found, by boxes."""

from __future__ import annotations

from lavida_bench.metrics._detection import TrackCriterion


class TBDC(TrackCriterion):
    """Area under the detection rate against false positives a frame; overlap of boxes."""

    name = "tbdc"
    about = "track-based detection criterion by boxes (Ramachandra & Jones 2020)"
