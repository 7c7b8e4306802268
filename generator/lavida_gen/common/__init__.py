"""Helpers for every folder: error messages, plug-ins, atomic files, digests, JSON, text and HTML output."""
