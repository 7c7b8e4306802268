"""Files that are something else than their name promises: the message names what they are and what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from lavida_gen.annotations import index_masks
from lavida_gen.common.errors import DataError
from lavida_gen.common.input_file import read_text
from lavida_gen.common.json_file import read_json
from lavida_gen.large_json import json_stream
from lavida_gen.scenes import image_header

FORMS = {
    "text in UTF-16": '{"a": [1]}'.encode("utf-16"),
    "compressed with gzip": gzip.compress(b'{"a": [1]}'),
    "a ZIP archive": b"PK\x03\x04\xff\x00",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n",
    "a web page": b"\n<!DOCTYPE html><html><body>404</body></html>",
}
TODO = {"text in UTF-16": "save it as UTF-8", "a pointer of Git LFS": "git lfs pull", "a web page": "fetch it again"}

READERS: dict[str, Callable[[Path], object]] = {
    "json": read_json,
    "stream": lambda path: list(json_stream.members(path)),
    "picture": image_header.inspect,
    "mask": index_masks.read,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("form", FORMS)
def test_the_message_names_what_a_file_is(tmp_path: Path, reader: str, form: str) -> None:
    (tmp_path / "a").write_bytes(FORMS[form])
    with pytest.raises(DataError, match=rf"/a: .*\(it is {form}\); expected .*{TODO.get(form, 'unpack it')}"):
        READERS[reader](tmp_path / "a")


@pytest.mark.parametrize("form", ["text in UTF-16", "compressed with gzip", "a ZIP archive"])
def test_a_text_that_is_none(tmp_path: Path, form: str) -> None:
    (tmp_path / "a").write_bytes(FORMS[form])
    with pytest.raises(DataError, match=rf"/a: is not UTF-8 text \(it is {form}\)"):
        read_text(tmp_path / "a")
