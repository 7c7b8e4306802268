"""LAVIDA-GEN: pseudo-anomaly corpora for video anomaly detection from segmentation data sets."""

__version__ = "0.1.0"
