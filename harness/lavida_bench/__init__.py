"""LAVIDA-BENCH: fit LAVIDA on pseudo-anomaly corpora and score any method on video anomaly benchmarks."""
