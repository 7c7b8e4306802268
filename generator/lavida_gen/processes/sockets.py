"""The folder of the sockets by which processes hand tensors to each other, with a name that the next run recognises.

multiprocessing makes one whose name does not show its process: after `kill -9` it stays for ever.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from multiprocessing import util
from pathlib import Path

from lavida_gen.processes.leftovers import own_mark, sweep_once

LONGEST = 80
"""Most characters of the folder: the path of a socket in it must stay below 108."""


def name_sockets_folder() -> None:
    """Make the folder for this process and those that it starts from now on, unless multiprocessing has made one.

    It is removed at the end of the process; where it was killed, by the next process that calls this.
    """
    parent = Path(tempfile.gettempdir())
    sweep_once(parent)
    config = vars(multiprocessing.current_process())["_config"]  # where multiprocessing.util.get_temp_dir looks
    folder = parent / own_mark()
    if config.get("tempdir") is None and len(str(folder)) <= LONGEST:
        os.mkdir(folder, 0o700)
        util.Finalize(None, shutil.rmtree, args=(str(folder), True), exitpriority=-100)
        config["tempdir"] = str(folder)
