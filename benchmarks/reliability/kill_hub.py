"""A stand-in for the Hub in a process of its own, which outlives the commands that publish to it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from collections.abc import Callable

import kill_areas  # puts the tests' modules on the path

import hub_server  # isort: skip


class Hub:
    """A running stand-in without repositories."""

    def __init__(self) -> None:
        reading, writing = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(reading)
            _serve(writing)
        os.close(writing)
        self._pipe = os.fdopen(reading, "r")
        self.endpoint = self._pipe.readline().strip()

    def reaching(self, command: Callable[[], None]) -> Callable[[], None]:
        """The command with this Hub as its own."""

        def call() -> None:
            from huggingface_hub import constants

            os.environ["HF_TOKEN"] = hub_server.WRITE
            constants.ENDPOINT = self.endpoint
            constants.HUGGINGFACE_CO_URL_TEMPLATE = self.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
            constants.HF_HUB_DISABLE_XET = True
            command()

        return call

    def files(self) -> dict[str, str]:
        """Digests of the files of the repository."""
        os.kill(self.process, signal.SIGUSR1)
        found: dict[str, str] = json.loads(self._pipe.readline())
        return found

    def stop(self) -> None:
        """End the server."""
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        self._pipe.close()


def _serve(pipe: int) -> None:
    with hub_server.Stand() as hub:

        def answer(*_: object) -> None:
            repo = hub.repos.get(kill_areas.REPO)
            held = {} if repo is None else repo.files()
            digests = {f"hub/{name}": hashlib.sha256(data).hexdigest() for name, data in held.items()}
            os.write(pipe, json.dumps(digests).encode() + b"\n")

        signal.signal(signal.SIGUSR1, answer)
        os.write(pipe, hub.endpoint.encode() + b"\n")
        while True:
            time.sleep(60)
