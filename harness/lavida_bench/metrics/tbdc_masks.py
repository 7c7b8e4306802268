"""Track-based detection criterion (Ramachandra & Jones, WACV 2020): share of tracks found, by masks."""

from __future__ import annotations

from lavida_bench.metrics._detection import TrackCriterion


class TBDCMasks(TrackCriterion):
    """Area under the detection rate against false positives a frame; overlap of masks."""

    name = "tbdc_masks"
    about = "track-based detection criterion by masks (Ramachandra & Jones 2020)"
    shape = "masks"
