"""How long does `--help` take, and does it load torch?

python benchmarks/startup.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS, GOAL = 7, 0.5


def seconds(code: str) -> float:
    """Wall time of a fresh interpreter that runs `code`."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Print the median of each command, and of an interpreter that does nothing."""
    print(f"nothing       {statistics.median(seconds('pass') for _ in range(ROUNDS)):.3f} s")
    for module in ("lavida_gen", "lavida_bench"):
        code = f"import sys; sys.argv = ['x', '--help']; from {module}.cli import main; main(standalone_mode=False)"
        median = statistics.median(seconds(code) for _ in range(ROUNDS))
        loads = f"import sys, {module}.cli; sys.exit('torch' in sys.modules)"
        torch = subprocess.run([sys.executable, "-c", loads], check=False).returncode != 0
        print(f"{module:12}  {median:.3f} s  (goal {GOAL})  torch loaded: {torch}")


if __name__ == "__main__":
    main()
