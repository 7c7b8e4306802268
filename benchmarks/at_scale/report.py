"""The tables of benchmarks/scale.py: what was measured, and the formula that follows from several sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from at_scale.formula import at, fit
from at_scale.log import Facts

LARGE = 100_000_000
FAR = ((LARGE, 9_999), (LARGE, 100_000))
"""Sizes for which the formulas are computed: shards of ten thousand samples, as the Hub's folders need, and of a thousand."""
MB = 1e6


def text(found: Sequence[Facts]) -> str:
    """All tables.

    Args:
        found: The facts of runs of several sizes, or of one.
    """
    lines = [line for facts in found for line in _measured(facts)]
    finished = [facts for facts in found if facts["finished"]]
    if len(finished) >= 3:
        lines += _formulas(finished)
    return "\n".join(lines)


def _measured(facts: Facts) -> Iterator[str]:
    lines = facts["lines"]
    if not facts["finished"]:
        done, last = sum(line["cpu"] for line in lines), lines[-1] if lines else {"shards": 0}
        yield f"{facts['folder']}: {last['shards']:,} shards after {done:,.0f} s of processor; run the same command again"
        return
    build = facts["build"]
    yield (
        f"{facts['samples']:,} samples in {facts['shards']:,} shards, {facts['shard_bytes'] / 1e9:.2f} GB "
        f"({facts['machine']}; from {lines[0]['began']} to {lines[-1]['began']}; commits "
        f"{', '.join(dict.fromkeys(line['code'] for line in lines))})"
    )
    yield (
        f"  build: {build['pieces']} pieces, {build['wall'] / 60:,.1f} min, {build['cpu']:,.0f} s of processor "
        f"({1e3 * build['cpu_per_sample']:.2f} ms a sample; the parent {build['parent_cpu']:,.0f} s)"
    )
    yield (
        f"  memory: parent {build['parent_peak'] / MB:,.0f} MB, at the end {build['parent_peak_at_the_end'] / MB:,.0f} MB, "
        f"worker {build['worker_peak'] / MB:,.0f} MB; open files: parent {build['parent_files']}, "
        f"worker {build['worker_files']}"
    )
    yield f"  memory of parent and workers over time, MB: {_over_time(lines)}"
    for one in build["resumed"]:
        cpu = f", {one['cpu']:.1f} s of the parent's processor" if one["cpu"] else ""
        yield f"  resumed with {one['shards']:,} shards: the next one after {one['seconds']:.1f} s{cpu}"
    for left in build["killed"]:
        yield f"  killed -9: half-written shards lost: {left['files']}"
    yield (
        f"  corpus.json {facts['manifest_bytes']:,} bytes, stats.parquet {facts['stats_bytes']:,}, records during the "
        f"build {build['record_bytes_per_shard'] * facts['shards'] / MB:,.0f} MB"
    )
    for step, line in facts["steps"].items():
        failed = f"; exit code {line['exit']}: {line['end'].strip()}" if line["exit"] else ""
        yield (
            f"  {step:18} {line['wall']:8,.1f} s, processor {line['cpu']:8,.1f} s, parent {line['parent_peak'] / MB:6,.0f} MB, "
            f"worker {line['worker_peak'] / MB:4,.0f} MB ({line['code']}){failed}"
        )


def _over_time(lines: Sequence[Facts]) -> str:
    """Parent and all workers at the start, the middle and the end of the longest piece."""
    trace = [point for point in max(lines, key=lambda line: len(line["trace"]))["trace"] if point[2]]
    shown = [trace[round(share * (len(trace) - 1))] for share in (0, 0.25, 0.5, 0.75, 1)] if trace else []
    return ", ".join(f"{passed:,.0f} s {own / MB:,.0f} + {others / MB:,.0f}" for passed, own, others in shown)


def _quantities(facts: Facts) -> dict[str, float]:
    """What the formulas are for."""
    build = facts["build"]
    values = {
        "build: processor, s": build["cpu"],
        "build: parent, MB": max(build["parent_peak"], build["parent_peak_at_the_end"]) / MB,
        "build: worker, MB": build["worker_peak"] / MB,
        "records during the build, MB": build["record_bytes_per_shard"] * facts["shards"] / MB,
        "shards, GB": facts["shard_bytes"] / 1e9,
        "corpus.json, MB": facts["manifest_bytes"] / MB,
        "stats.parquet, MB": facts["stats_bytes"] / MB,
    }
    for step, line in facts["steps"].items():
        if not line["exit"]:
            values |= {f"{step}: processor, s": line["cpu"], f"{step}: parent, MB": line["parent_peak"] / MB}
    return values


def _formulas(found: Sequence[Facts]) -> Iterator[str]:
    sizes = [(facts["samples"], facts["shards"]) for facts in found]
    tables = [_quantities(facts) for facts in found]
    far = "".join(f"{samples / 1e6:,.0f} M in {shards:,}".rjust(20) for samples, shards in FAR)
    yield f"extrapolated by a + b * millions of samples + c * thousands of shards, fitted to {len(found)} sizes"
    yield f"  {'':34}{'a':>10}{'b':>12}{'c':>12}{far}"
    for name in tables[0]:
        if all(name in table for table in tables):
            a, b, c = formula = fit(sizes, [table[name] for table in tables])
            values = "".join(f"{at(formula, *size):20,.0f}" for size in FAR)
            yield f"  {name:34}{a:10,.2f}{1e6 * b:12,.3f}{1e3 * c:12,.3f}{values}"
