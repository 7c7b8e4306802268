"""Region-based detection criterion (Ramachandra & Jones, WACV 2020): share of ground-truth regions found, by masks."""

from __future__ import annotations

from lavida_bench.metrics._detection import RegionCriterion


class RBDCMasks(RegionCriterion):
    """Area under the detection rate against false positives a frame; overlap of masks."""

    name = "rbdc_masks"
    about = "region-based detection criterion by masks (Ramachandra & Jones 2020)"
    shape = "masks"
