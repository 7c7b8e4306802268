"""The learning rate at each optimiser step of the authors' run, which depends on the number of processes.

Authors' code: train_acc.py. The linear schedule is made for epochs * micro-batches steps. It is stepped at every
micro-batch, but accelerate lets it act only where gradients were synchronised, then once a process. train_acc.sh
starts one process: the rate ends near half. On two it reaches 0 at the end, on four after half of the run.
"""

from __future__ import annotations

PEAK = 1e-5
WARMUP = 100
EPOCHS = 8
MICRO_BATCHES = 2000
ACCUMULATION = 2


def scheduled(step: int, peak: float = PEAK, warmup: int = WARMUP, total: int = EPOCHS * MICRO_BATCHES) -> float:
    """The schedule's own course: up from 0 in `warmup` steps, straight down to 0 at `total`, then 0."""
    if step < warmup:
        return peak * step / warmup
    return peak * max(0.0, (total - step) / (total - warmup))


def rates(processes: int, micro_batches: int = EPOCHS * MICRO_BATCHES, warmup: int = WARMUP) -> list[float]:
    """The rate that each optimiser step uses (8,000 in their run), and after them the rate that stands at the end."""
    steps = range(micro_batches // ACCUMULATION + 1)
    return [scheduled(step * processes, warmup=warmup, total=micro_batches) for step in steps]
