"""Fits a recipe, then resumes it, where accelerate allows FSDP and DeepSpeed on a CPU.

    torchrun --nproc_per_node 2 shards_on_cpu.py RECIPE OUT STEP

After the fit the newest checkpoint, the model and fit.json are removed and the fit continues from the checkpoint of
STEP, in the same processes: starting them takes longer than all of this. accelerate requires an accelerator for FSDP
and DeepSpeed; both shard, gather and store over gloo on a CPU as elsewhere. Only accelerate's check is replaced here.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import torch
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType

from lavida_bench.config import recipe as recipes
from lavida_bench.fitting.trainer import fit

_begin = AcceleratorState.__init__


def _sharded(self: AcceleratorState, *args: Any, **options: Any) -> None:
    _begin(self, *args, **options)
    if options.get("fsdp_plugin") is not None:
        self.fsdp_plugin = options["fsdp_plugin"]
        _answer(self, DistributedType.FSDP)
    if options.get("deepspeed_plugin") is not None:
        from deepspeed import comm

        comm.init_distributed(dist_backend="gloo", auto_mpi_discovery=False)
        _answer(self, DistributedType.DEEPSPEED)
        self.deepspeed_plugins = options["deepspeed_plugin"]
        self.deepspeed_plugins.set_mixed_precision(self._mixed_precision)
        self.deepspeed_plugins.select(_from_accelerator_state=True)


def _answer(state: AcceleratorState, kind: DistributedType) -> None:
    state.distributed_type = kind
    PartialState._shared_state["distributed_type"] = kind


def fit_and_resume(recipe: Path, out: Path, step: int) -> None:
    """Fit, go back to the checkpoint of `step`, fit again; the logs of both are in OUT/first.jsonl and OUT/log.jsonl."""
    loaded = recipes.load(str(recipe))
    fit(loaded, out)
    if PartialState().is_main_process:
        shutil.copyfile(out / "log.jsonl", out / "first.jsonl")
        for folder in (out / "model", *sorted((out / "checkpoints").iterdir())):
            if folder.name == "model" or int(folder.name.rpartition("-")[2]) > step:
                shutil.rmtree(folder)
        (out / "fit.json").unlink()
    PartialState().wait_for_everyone()
    fit(loaded, out)


if __name__ == "__main__":
    torch.set_num_threads(1)
    AcceleratorState.__init__ = _sharded
    fit_and_resume(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
