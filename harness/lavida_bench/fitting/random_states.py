"""The random states of a process as JSON: torch's, and that of its accelerator. Nothing else in a fit draws numbers."""

from __future__ import annotations

from pathlib import Path

import torch

from lavida_bench.fitting.tensor_files import ADVICE, EXPECTED
from lavida_gen.common.input_file import parsing
from lavida_gen.common.json_file import JsonObject, read_json_object


def random_file(folder: Path, process: int) -> Path:
    """The file of a process in a checkpoint."""
    return folder / f"random-{process:05d}.json"


def random_states(device: torch.device) -> JsonObject:
    """Return the present states.

    Args:
        device: Device of this process.
    """
    state = {"torch": _hex(torch.get_rng_state())}
    if device.type != "cpu":
        state["device"] = _hex(torch.get_device_module(device).get_rng_state(*_which(device)))
    return state


def restore_random_states(path: Path, device: torch.device) -> None:
    """Restore the states that a file holds.

    Args:
        path: File of this process.
        device: Device of this process.

    Raises:
        DataError: The file is damaged.
    """
    keys = ("torch",) if device.type == "cpu" else ("torch", "device")
    state = read_json_object(path, EXPECTED, ADVICE, keys)
    with parsing(path, EXPECTED, ADVICE, got="cannot be loaded"):
        torch.set_rng_state(_tensor(state["torch"]))
        if device.type != "cpu":
            torch.get_device_module(device).set_rng_state(_tensor(state["device"]), *_which(device))


def _which(device: torch.device) -> tuple[torch.device, ...]:
    return () if device.type == "mps" else (device,)  # of which there is one


def _hex(state: torch.Tensor) -> str:
    return state.cpu().numpy().tobytes().hex()


def _tensor(text: str) -> torch.Tensor:
    return torch.frombuffer(bytearray.fromhex(text), dtype=torch.uint8)
