"""Inspecting a corpus: verification, statistics, pictures, the preview page, lists of sources and exposures."""
