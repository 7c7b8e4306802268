"""One small copy of each benchmark in its official layout: NAME.py draws the one of the benchmark NAME."""
