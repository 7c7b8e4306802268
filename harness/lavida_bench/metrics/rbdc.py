"""Region-based detection criterion (Ramachandra & Jones, WACV 2020): share of ground-truth regions found, by boxes."""

from __future__ import annotations

from lavida_bench.metrics._detection import RegionCriterion


class RBDC(RegionCriterion):
    """Area under the detection rate against false positives a frame; overlap of boxes."""

    name = "rbdc"
    about = "region-based detection criterion by boxes (Ramachandra & Jones 2020)"
