"""glibc keeps the memory that a forward pass frees: by default each pass asks the kernel for its tensors page by page.

Torch allocates tensors on the CPU with malloc. glibc maps large blocks anew, unmaps them when they are freed, and gives
the end of its heap back to the kernel; that takes a third of a batched pass (docs/measurements/score.md).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from lavida_gen.common.errors import UserError, problem

SWITCH = "LAVIDA_ALLOCATOR"
SYSTEM = "system"
"""The value of the switch that leaves glibc as it is."""
USERS_OWN = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD")
"""Variables with which users choose the allocator or its settings themselves; then nothing is changed."""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
MAPPED_FROM = 1 << 30  # bytes; larger blocks are mapped one by one and given back when they are freed
NEVER = (1 << 31) - 1  # bytes; the largest int


def keep_freed_memory(environment: Mapping[str, str] = os.environ) -> bool:
    """Set glibc to keep freed memory for the next tensor. To be called before torch is loaded, by commands only.

    Args:
        environment: The variables of the environment.

    Returns:
        Whether it is set: false elsewhere than on Linux with glibc, and where the user chose otherwise.

    Raises:
        UserError: The switch has an unknown value.
    """
    wanted = environment.get(SWITCH, "")
    if wanted not in ("", SYSTEM):
        raise UserError(problem(SWITCH, repr(wanted), f"{SYSTEM!r}, or nothing for the settings of lavida-bench"))
    if wanted == SYSTEM or not _is_glibc() or any(environment.get(name) for name in USERS_OWN):
        return False
    import ctypes

    set_option = ctypes.CDLL(None).mallopt
    return bool(set_option(M_MMAP_THRESHOLD, MAPPED_FROM)) and bool(set_option(M_TRIM_THRESHOLD, NEVER))


def _is_glibc() -> bool:
    if sys.platform != "linux":
        return False
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):  # another C library does not know the name
        return False
