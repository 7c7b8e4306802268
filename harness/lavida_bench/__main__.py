"""`python -m lavida_bench` is the command `lavida-bench`."""

from lavida_bench.cli import main

main(prog_name="lavida-bench")
