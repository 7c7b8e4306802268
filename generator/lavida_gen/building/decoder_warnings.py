"""What libjpeg and libpng print while OpenCV decodes a damaged picture, and that no exception reports.

A JPEG that was cut in the middle and ends as it should decodes without an error: the rest of it is grey.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_WARNING = re.compile(
    r"(Corrupt JPEG data[^\n]*|Premature end of JPEG[^\n]*|PNG input buffer is incomplete|libpng[^\n]*)"
)


@contextmanager
def decoder_warnings(found: list[str]) -> Iterator[None]:
    """Keep what the libraries print to the file of standard error, instead of printing it.

    Args:
        found: Gets the warnings of the block, each once.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as file:
        kept = os.dup(2)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            text = file.read().decode(errors="replace")
            found += dict.fromkeys(_WARNING.findall(text))
