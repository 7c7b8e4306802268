"""Our commands let glibc keep freed memory; the library does not, and users can forbid it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lavida_bench import cli
from lavida_bench.common import allocator
from lavida_bench.common.allocator import SWITCH, keep_freed_memory

PROGRAM = """
import resource, sys
import numpy as np
from lavida_bench import api, cli
if sys.argv[1] == "command":
    cli.main(["recipes"], standalone_mode=False)
def pages():
    began = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(4):
        np.ones(64 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - began
pages()
print(pages(), "torch" in sys.modules)
"""


@pytest.mark.skipif(not allocator._is_glibc(), reason="needs glibc")
@pytest.mark.parametrize(
    ("what", "variables", "keeps"),
    [
        ("command", {}, True),
        ("library", {}, False),
        ("command", {SWITCH: "system"}, False),
        ("command", {"MALLOC_TRIM_THRESHOLD_": "1000000"}, False),
    ],
)
def test_commands_alone_keep_freed_memory(what: str, variables: dict[str, str], keeps: bool) -> None:
    """64 MiB that are allocated again: the kernel gives each page anew, or none."""
    clean = {name: value for name, value in os.environ.items() if name not in (SWITCH, *allocator.USERS_OWN)}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, what], env=clean | variables, capture_output=True, text=True, check=True
    )
    pages, torch_loaded = ran.stdout.split()[-2:]
    assert (int(pages) < 50) == keeps
    assert torch_loaded == "False", "it is set before torch is loaded"


def test_a_switch_with_another_value_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "jemalloc")
    result = CliRunner().invoke(cli.main, ["recipes"])
    message = "LAVIDA_ALLOCATOR: 'jemalloc'; expected 'system', or nothing for the settings of lavida-bench"
    assert (result.exit_code, result.stderr) == (2, f"error: {message}\n")


def test_other_c_libraries_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> str:
        raise ValueError(name)

    monkeypatch.setattr(os, "confstr", unknown)
    assert not keep_freed_memory({})
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory({})
