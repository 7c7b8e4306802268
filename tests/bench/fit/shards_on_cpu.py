"""`python -m lavida_bench` where accelerate offers FSDP and DeepSpeed to processes on a CPU too.

accelerate asks for an accelerator before it takes either; both cut, gather and store on a CPU over gloo as they do
elsewhere. Only accelerate's answer is changed here.
"""

from __future__ import annotations

from typing import Any

import torch
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType

from lavida_bench.cli import main

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


if __name__ == "__main__":
    torch.set_num_threads(1)
    AcceleratorState.__init__ = _sharded
    main()
