"""Readers of annotation files: JSON, index masks, panoptic files, lists of names."""
