"""Do the oldest and the newest allowed versions work, and what do they build differently?

    python benchmarks/bounds.py [--home build/bounds] [--skip-tests] [--keep] [--write]      (or: make bounds)

uv installs the lowest allowed versions of the generator with its extras [augment] and [hub] beside the oldest Python, and
the newest ones beside the newest Python of this machine, with no constraints. Both run the generator's quick tests; both
build the same small corpora, which are compared record by record. `--write` writes docs/measurements/toolchains.md and
what cards quote, generator/lavida_gen/data/toolchains.yaml. Exits 1 if a test fails, or a name, prompt or mask differs.
`--keep` keeps environments and corpora that are there. Needs uv, the package registry, and some minutes.
"""

from __future__ import annotations

import argparse
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from toolchain_bounds import page
from toolchain_bounds.compare import Comparison, compare
from toolchain_bounds.environments import ROOT, Environment, newest_python, oldest_python

CORPORA = "benchmarks/toolchain_bounds/corpora.py"
TESTS = ["-m", "pytest", "-q", "-n", "1", "-m", "not slow and not browser", "-p", "no:cacheprovider", "tests/gen"]


def quick_tests(environment: Environment, log: Path) -> str:
    """Run the generator's quick tests; the line with their numbers."""
    return environment.run(TESTS, log, check=False).strip().rpartition("\n")[2].strip("= ")


def build(environment: Environment, home: Path, log: Path, keep: bool) -> Path:
    """Build all corpora in an environment; their folder."""
    out = home / "corpora" / environment.folder.name
    if not keep:
        shutil.rmtree(out, ignore_errors=True)
    environment.run([CORPORA, str(home / "data"), str(out)], log)
    return out


def comparisons(one: Path, other: Path, data: Path) -> dict[str, Comparison]:
    """Compare all corpora, by the name of their recipe."""
    originals = {path.read_bytes() for path in data.rglob("*.jpg")}
    names = sorted((path.name for path in one.iterdir()), key=lambda name: (one / name / "corpus.json").stat().st_mtime)
    return {name: compare(one / name, other / name, originals) for name in names}


def main() -> None:
    """Print the page; exit code 1 if something that must hold does not."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--home", type=Path, default=ROOT / "build" / "bounds", help="folder of everything")
    arguments.add_argument("--python", help="the newest Python [default: the newest that uv or pyenv has]")
    arguments.add_argument("--skip-tests", action="store_true")
    arguments.add_argument("--keep", action="store_true")
    arguments.add_argument("--write", action="store_true")
    options = arguments.parse_args()
    home: Path = options.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    log = home / "log.txt"
    oldest = Environment(home / "oldest", oldest_python(), "lowest-direct")
    newest = Environment(home / "newest", options.python or newest_python(), "highest")
    both = (oldest, newest)
    for environment in both:
        if not (options.keep and environment.interpreter.exists()):
            environment.install(log)
    folders = [build(environment, home, log, options.keep) for environment in both]
    with ThreadPoolExecutor(len(both)) as pool:
        tests = ["not run"] * 2 if options.skip_tests else list(pool.map(partial(quick_tests, log=log), both))
    found = comparisons(folders[0], folders[1], home / "data")
    measured = page.Measured(oldest.versions(), newest.versions(), (tests[0], tests[1]), found)
    print(page.markdown(measured))
    if options.write:
        page.write(measured)
    failed = [line for line in tests if "failed" in line or "error" in line]
    different = [name for name, comparison in found.items() if not comparison.same_annotation]
    if failed or different:
        raise SystemExit(
            f"failed: {failed or 'no tests'}; names, prompts or masks differ in: {different or 'none'}; see {log}"
        )


if __name__ == "__main__":
    main()
