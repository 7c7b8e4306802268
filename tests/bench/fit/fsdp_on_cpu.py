"""`python -m lavida_bench` where accelerate offers FSDP to processes on a CPU too.

accelerate asks for an accelerator before it takes FSDP; torch's own FSDP cuts, gathers and stores on a CPU over gloo as
it does elsewhere. Only accelerate's answer is changed here.
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
        self.distributed_type = DistributedType.FSDP
        PartialState._shared_state["distributed_type"] = DistributedType.FSDP


if __name__ == "__main__":
    torch.set_num_threads(1)
    AcceleratorState.__init__ = _sharded
    main()
