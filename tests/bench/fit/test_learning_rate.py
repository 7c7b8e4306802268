"""The learning rate of every optimiser step, on one process and on two, beside a schedule that accelerate steps itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from transformers import get_linear_schedule_with_warmup

from lavida.modeling import Lavida
from lavida_bench.config import recipe as recipes
from lavida_bench.config.recipe import FitSettings, RunRecipe
from lavida_bench.fitting.learning_rate import describe_rates, learning_rates, make_lr_schedule, restore_schedule
from lavida_bench.fitting.optimiser import make_optimiser

Make = Callable[..., RunRecipe]


def settings(name: str = "paper", *changes: str) -> FitSettings:
    fit = recipes.load(name, changes).fit
    assert fit is not None
    return fit


def rates_by_accelerate(processes: int, micro_batches: int, warmup: int) -> list[float]:
    """Rates of the optimiser steps of a plain loop with accelerate, and the rate after the last one.

    The loop steps the schedule at every micro-batch, of which accelerate lets every second one count. accelerate reads the
    number of processes from its state: to count to two it needs no second one (`test_fit` has two real ones).
    """
    AcceleratorState._reset_state(reset_partial_state=True)
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
    weight = torch.nn.Linear(1, 1, bias=False)
    adamw = torch.optim.AdamW(weight.parameters(), lr=1e-5)
    schedule = get_linear_schedule_with_warmup(adamw, warmup, micro_batches)
    model, adamw, schedule = accelerator.prepare(weight, adamw, schedule)
    PartialState().num_processes = processes
    rates = []
    try:
        for _ in range(micro_batches):
            with accelerator.accumulate(model):
                if accelerator.sync_gradients:
                    rates.append(adamw.param_groups[0]["lr"])
                adamw.step()
            schedule.step()
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    return [*rates, adamw.param_groups[0]["lr"]]


def rate_after(fit: FitSettings, processes: int) -> float:
    """The rate of the step after the last one."""
    schedule = make_lr_schedule(torch.optim.SGD([torch.zeros(1)], fit.lr), fit, processes)
    restore_schedule(schedule, fit.steps)
    return float(schedule.optimizer.param_groups[0]["lr"])


@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_rate_is_the_one_that_accelerate_gives(processes: int) -> None:
    """1,600 micro-batches, a tenth of the authors' fit, with a tenth of its warm-up."""
    fit = settings("paper", "fit.steps=800", "fit.schedule_steps=1600", "fit.warmup=10")
    expected = rates_by_accelerate(processes, micro_batches=1600, warmup=10)
    rates = [*learning_rates(fit, processes), rate_after(fit, processes)]
    assert rates == pytest.approx(expected, rel=1e-12, abs=1e-20)


@pytest.mark.parametrize(
    ("processes", "first", "highest_at", "last", "after"),
    [(1, 1e-7, 101, 5.0321e-6, 5.0314e-6), (2, 2e-7, 51, 1.2579e-9, 0.0), (4, 4e-7, 26, 0.0, 0.0)],
)
def test_the_authors_course(processes: int, first: float, highest_at: int, last: float, after: float) -> None:
    """Near half on one process; on two exactly 0 after the last step, on four since the middle."""
    fit = settings()
    rates = learning_rates(fit, processes)
    assert (len(rates), rates[0], rates.index(max(rates)) + 1, max(rates)) == (8_000, 0.0, highest_at, 1e-5)
    assert rates[1] == pytest.approx(first, rel=1e-9)
    assert rates[-1] == pytest.approx(last, rel=1e-4, abs=0)
    assert rate_after(fit, processes) == pytest.approx(after, rel=1e-4, abs=0)


@pytest.mark.parametrize("name", ["paper", "small"])
def test_recipes_have_the_authors_values(name: str) -> None:
    fit = settings(name)
    assert (fit.steps, fit.batch, fit.accumulation, fit.lr) == (8 * 2000 // 2, 2, 2, 1e-5)
    assert (fit.schedule, fit.schedule_steps, fit.schedule_advance) == ("linear", 8 * 2000, "processes")
    assert (fit.warmup, fit.clip, fit.precision) == (100, 1.0, "bf16")
    assert (fit.weight_decay, fit.decay_vectors, fit.betas) == (0.01, True, (0.9, 0.999))
    assert recipes.load(name).seed == 44


def test_our_recipe_goes_down_to_0_on_any_number_of_processes() -> None:
    fit = settings("paper-ours")
    assert recipes.load("paper-ours").model.preset == "paper-ours"
    assert learning_rates(fit, 1) == learning_rates(fit, 4)
    assert learning_rates(fit, 1)[-1] == pytest.approx(1e-5 / 7900)
    assert rate_after(fit, 1) == rate_after(fit, 4) == 0.0
    facts, authors = fit.model_dump(), settings().model_dump()
    differing = {key for key in facts if facts[key] != authors[key]}
    assert differing == {"schedule_steps", "schedule_advance", "decay_vectors"}


def test_the_recipe_describes_its_rates() -> None:
    """The comment of `paper` has what `describe_rates` computes."""
    text = recipes.find("paper").read_text()
    for processes in (1, 2):
        count, _, course = describe_rates(settings(), processes).removeprefix("learning rate (").partition("): ")
        line = next(line for line in text.splitlines() if line.startswith(f"#     {count} "))
        assert course in line
    assert "0 from step 4,001 on" in describe_rates(settings(), 4)
    assert "0 from step 4,001 on" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": 10, "warmup": 2}, "(2 processes): 0 at step 1, 1 at step 3, 0.125 at step 10"),
        ({"steps": 10, "warmup": 0, "schedule": "constant"}, "(2 processes): 1 at step 1, 1 at step 10"),
        ({"steps": 1, "warmup": 2}, "(2 processes): 0 at step 1; 0 from step 1 on: these steps change nothing"),
        (
            {"steps": 8, "warmup": 0, "schedule": "cosine", "schedule_steps": 8, "schedule_advance": "processes"},
            "(2 processes): 1 at step 1, 0 at step 8; 0 from step 5 on: these steps change nothing",
        ),
    ],
    ids=["linear", "constant", "warm-up", "cosine"],
)
def test_descriptions(changes: dict[str, Any], text: str) -> None:
    assert describe_rates(FitSettings(lr=1.0, **changes), 2) == f"learning rate {text}"


def test_a_schedule_that_was_restored_goes_on() -> None:
    fit = FitSettings(lr=1.0, steps=9, warmup=3, schedule_steps=30, schedule_advance="processes")
    schedule = make_lr_schedule(torch.optim.SGD([torch.zeros(1)], fit.lr), fit, 2)
    restore_schedule(schedule, 4)
    found = []
    for _ in range(4, 9):
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    assert found == learning_rates(fit, 2)[4:]


def test_which_weights_decay() -> None:
    """Matrices; vectors only where the recipe lets them."""
    model = Lavida.from_preset("tiny", random=True)
    for vectors in (False, True):
        groups = make_optimiser(model, FitSettings(weight_decay=0.01, decay_vectors=vectors)).param_groups
        decays = {parameter.ndim >= 2: group["weight_decay"] for group in groups for parameter in group["params"]}
        assert decays == {True: 0.01, False: 0.01 if vectors else 0.0}


def test_older_fits_have_the_same_facts(make: Make) -> None:
    """Settings that came later are no part of them at their defaults: checkpoints of older fits continue."""
    facts = make().fit_facts()["fit"]
    assert not facts.keys() & {"schedule_steps", "schedule_advance", "decay_vectors"}
    changed = make(schedule_steps=9, schedule_advance="processes", decay_vectors=True).fit_facts()["fit"]
    assert changed.items() >= {"schedule_steps": 9, "schedule_advance": "processes", "decay_vectors": True}.items()
