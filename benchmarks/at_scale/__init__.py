"""The parts of benchmarks/scale.py: watching processes, building in pieces, steps on the finished corpus, the formula."""
