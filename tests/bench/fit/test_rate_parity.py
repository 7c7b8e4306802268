"""The learning rate at each step of the authors' run: by `plain`, by accelerate itself, by recipe `paper`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from plain import learning_rate as plain
from plain import make as plain_make

from lavida_bench.config.recipe import load
from lavida_bench.fitting.learning_rate import learning_rates

MICRO_BATCHES, WARMUP = 60, 6


def run_their_loop(folder: Path) -> None:
    """The authors' loop, in one of several processes: the schedule is stepped at each micro-batch, accelerate decides."""
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState
    from transformers import get_linear_schedule_with_warmup

    AcceleratorState._reset_state(reset_partial_state=True)  # forked: an earlier fit's, of one process
    GradientState._reset_state()
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=plain.ACCUMULATION)
    model = torch.nn.Linear(1, 1)
    adamw = torch.optim.AdamW(model.parameters(), lr=plain.PEAK)
    schedule = get_linear_schedule_with_warmup(adamw, WARMUP, MICRO_BATCHES)
    model, optimiser, schedule = accelerator.prepare(model, adamw, schedule)
    rates = []
    for _ in range(MICRO_BATCHES):
        with accelerator.accumulate(model):
            optimiser.zero_grad()
            accelerator.backward(model(torch.ones(2, 1)).sum())
            if accelerator.sync_gradients:
                rates.append(adamw.param_groups[0]["lr"])
            optimiser.step()
        schedule.step()
    rates.append(adamw.param_groups[0]["lr"])
    if accelerator.is_main_process:
        (folder / f"rates{accelerator.num_processes}.json").write_text(json.dumps(rates))


@pytest.mark.parametrize("processes", [1, 2])
def test_the_plain_course_is_that_of_accelerate(processes: int, tmp_path: Path) -> None:
    from accelerate import debug_launcher

    debug_launcher(run_their_loop, (tmp_path,), num_processes=processes)
    rates = json.loads((tmp_path / f"rates{processes}.json").read_text())
    np.testing.assert_allclose(rates, plain.rates(processes, MICRO_BATCHES, WARMUP), atol=1e-18)


@pytest.mark.parametrize("processes", [1, 2, 4])
@pytest.mark.parametrize("recipe", ["paper", "small"])
def test_the_recipe_has_the_authors_course(recipe: str, processes: int) -> None:
    fit = load(recipe).fit
    assert fit is not None
    expected = plain.rates(processes)
    np.testing.assert_allclose(learning_rates(fit, processes), expected[:-1], atol=1e-18)
    with np.load(plain_make.ARRAYS) as stored:
        if processes < 4:
            np.testing.assert_allclose(stored[f"rates_{processes}"], expected[::80], atol=1e-18)


def test_the_course_ends_near_half_on_one_process_and_at_zero_on_two() -> None:
    assert plain.rates(1)[-1] == pytest.approx(5.03e-6, rel=1e-3)
    assert plain.rates(2)[-1] == 0
    assert plain.rates(2)[-2] > 0
    assert plain.rates(4)[4000:] == [0.0] * 4001
