"""What `benchmarks/build.py` measures, one kind of work per process."""
