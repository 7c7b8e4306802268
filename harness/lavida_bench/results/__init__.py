"""What lies in a run folder: scores of videos, results.json, provenance; and others' published numbers."""
