"""Readers of annotation files: COCO and panoptic JSON, referring expressions, index masks, lists of names."""
