"""Runs commands in which modules cannot be imported: `python blocked_verbs.py < cases.json`, each in a fork of its own.

A case is [command, words, modules]; the answer is [exit code, what it printed]. Forks start from an interpreter that has
imported nothing yet, so that a module which is blocked cannot be there already, and so that a case costs little.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback


def run(command: str, words: list[str], modules: list[str]) -> tuple[int, str]:
    """The exit code of a command line, and what it printed."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os._exit(_child(command, words, modules))
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        text = file.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def _child(command: str, words: list[str], modules: list[str]) -> int:
    sys.modules.update(dict.fromkeys(modules))  # None: the import fails as if the package were not installed
    signal.alarm(120)  # a command that does not notice at once that it cannot work
    code: object = 99
    try:
        importlib.import_module(f"{command}.cli").main(words)
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 98


if __name__ == "__main__":
    print(json.dumps([run(*case) for case in json.load(sys.stdin)]))
