"""`python -m lavida_gen` is the command `lavida-gen`."""

from lavida_gen.cli import main

main(prog_name="lavida-gen")
