"""LAVIDA's arithmetic a second time: plain numpy, written from the paper and from reading its authors' code.

Nothing here imports `lavida`: `tests/model/test_parity.py` compares the two, and both with `arrays.npz`,
which `python -m plain.make` writes (run it in tests/model).
"""
