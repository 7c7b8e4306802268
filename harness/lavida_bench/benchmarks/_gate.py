"""The one gate before a number: files that `lavida-bench check` fails give none unless the user allows it, and a mark.

    report = admit(benchmark, allow_partial=False, allow_defects=False)

`score`, `score-files`, `compare` and `run` pass it. The check decodes every frame and mask once; its report is kept in
the cache for as long as no file of the benchmark changes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lavida_bench.benchmarks import _check
from lavida_bench.benchmarks._base import PACKAGE, Benchmark
from lavida_bench.benchmarks._check import CheckReport
from lavida_bench.protocols.protocol import DEFECTS
from lavida_bench.videos.media import walk
from lavida_gen import __version__
from lavida_gen.common import plugins
from lavida_gen.common.atomic_file import replace_file
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import DataError, problem
from lavida_gen.storage.cache import cache_root

VERSION = 2
"""Rises whenever a check of the same files could give another report."""
SHOWN = 5  # reasons in an error
_ADAPTER = TypeAdapter(CheckReport)


def admit(
    benchmark: Benchmark,
    allow_partial: bool = False,
    allow_defects: bool = False,
    advance: Callable[[int], None] = lambda frames: None,
) -> CheckReport:
    """Admit a benchmark whose files give the official number, or what the user allows instead.

    Args:
        benchmark: The benchmark on disk.
        allow_partial: Whether videos may be missing; a number over the others is partial.
        allow_defects: Whether there may be other fatal defects, with which a number is wrong.
        advance: Called with the number of frames that were decoded, after each video.

    Returns:
        The report of the check, from the cache if no file has changed since.

    Raises:
        DataError: The files have defects that are not allowed; the message lists the first ones.
    """
    report = cached_check(benchmark, advance)
    lost = [] if allow_partial else report.lost()
    wrong = [] if allow_defects else report.wrong()
    reasons = [*wrong, *lost]
    if not reasons:
        return report
    options = []
    if wrong:
        options.append(f"--allow-defects (allow_defects) marks the result as {DEFECTS}")
    if lost:
        options.append("--allow-partial (allow_partial) marks it as partial")
    more = f"; and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    got = f"no official number: {'; '.join(reasons[:SHOWN])}{more}"
    todo = f"`lavida-bench check {benchmark.name}` lists everything; {', '.join(options)}"
    raise DataError(problem(benchmark.root, got, todo=todo))


def cached_check(benchmark: Benchmark, advance: Callable[[int], None] = lambda frames: None) -> CheckReport:
    """Check a benchmark, or take the report from the cache if no file has changed since.

    Args:
        benchmark: The benchmark on disk.
        advance: Called with the number of frames that were decoded, after each video.

    Returns:
        The report of a check that decoded every frame and mask.

    Raises:
        DataError: The annotations cannot be read.
    """
    benchmark.loaded()  # draws or refuses before the files are listed
    path = _report_path(benchmark)
    if path is not None:
        with suppress(OSError, ValueError, ValidationError):
            return _ADAPTER.validate_json(path.read_bytes())
    report = _check.check(benchmark, advance=advance)
    keep(benchmark, report)
    return report


def keep(benchmark: Benchmark, report: CheckReport) -> None:
    """Put a report into the cache; one that cannot be kept is made again the next time.

    Args:
        benchmark: The benchmark that was checked.
        report: A report of a check that decoded every frame and mask.
    """
    path = _report_path(benchmark)
    if path is None:
        return
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps(_ADAPTER.dump_python(report, mode="json")).encode())


def _report_path(benchmark: Benchmark) -> Path | None:
    """The report's file in the cache; None for a benchmark without files, or of code whose version is not known."""
    provider = plugins.provider(PACKAGE, benchmark.name)
    built_in = type(benchmark).__module__.startswith(f"{PACKAGE}.")
    if not benchmark.root.is_dir() or not (built_in or provider):
        return None
    options = benchmark.options.model_dump(mode="json", exclude={"root", "names"})
    folders = [benchmark.root, *(value for _, value in benchmark.options if isinstance(value, Path))]
    files = [list(_files(folder)) for folder in folders]
    key = [VERSION, __version__, benchmark.name, str(provider), str(benchmark.root.resolve()), options, files]
    return cache_root() / "benchmark-checks" / f"{sha256_json(key)[:32]}.json"


def _files(top: Path) -> Iterator[tuple[str, int, int]]:
    """Path, size and time of change of every file below a folder, or of one file."""
    if top.is_file():
        yield str(top), top.stat().st_size, top.stat().st_mtime_ns
    for path in walk(top):
        with suppress(OSError):
            stat = path.stat()
            yield os.path.relpath(path, top), stat.st_size, stat.st_mtime_ns
