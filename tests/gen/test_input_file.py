"""The door for files of strangers: what it opens, what it refuses, and whose mistakes it reports."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from lavida_gen.common.errors import DataError, UserError
from lavida_gen.common.input_file import MAX_PIXELS, check_pixels, open_input, parsing, read_input, reason_of


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def endless_link(path: Path) -> None:
    path.symlink_to(path)


def to_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


def large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**13)


REFUSED: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda path: None, "No such file"),
    "fifo": (fifo, "it is a FIFO, not a regular file"),
    "device": (device, "it is a device, not a regular file"),
    "endless link": (endless_link, "symbolic links"),
    "socket": (to_socket, "cannot be read"),
    "folder": (Path.mkdir, "it is a folder, not a regular file"),
    "large": (large, "it has 10,000,000,000,000 bytes, more than 100,000,000"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_only_a_regular_file_of_a_plausible_size_is_opened(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make, reason = REFUSED[kind]
    path = tmp_path / "file"
    make(path)
    for door in (lambda: read_input(path, 10**8, "a JSON", "fetch it"), lambda: open_input(path, 10**8, "a JSON")):
        with pytest.raises(DataError) as caught:
            door()
        assert str(caught.value).startswith(f"{path}: cannot be read (")
        assert reason in str(caught.value)
        assert "; expected a JSON" in str(caught.value)
        assert isinstance(caught.value.__cause__, OSError)


def test_no_handle_stays_open_for_what_is_refused(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(3):
        with pytest.raises(DataError):
            read_input(tmp_path)
    assert not before or len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_a_name_that_no_file_can_have_is_a_data_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="its name is not valid"):
        read_input(tmp_path / name)


def test_regular_files_and_links_to_them_are_read(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "file").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / "link").symlink_to("file")
    assert read_input(tmp_path / "empty") == b""
    assert read_input(tmp_path / "link") == read_input(str(tmp_path / "file"), 256_000) == bytes(range(256)) * 1000
    with open_input(tmp_path / "link", 256_000) as file:
        assert file.seek(0, 2) == 256_000


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("two\nlines \x1b[2J"), "two lines \ufffd[2J"),
        (KeyError("x"), "KeyError: 'x'"),
        (RecursionError("too deep"), "RecursionError: too deep"),
        (MemoryError(), "MemoryError"),
        (ValueError("x" * 1000), "x" * 197 + "..."),
    ],
)
def test_whatever_a_parser_raises_is_one_error(error: Exception, reason: str) -> None:
    with pytest.raises(UserError) as caught, parsing("FILE", "a picture", "fetch it", UserError):
        raise error
    assert str(caught.value) == f"FILE: cannot be read ({reason}); expected a picture; fetch it"
    assert caught.value.__cause__ is error
    assert reason_of(error) == reason


def test_a_panic_of_a_parser_in_rust_is_one_error() -> None:
    panic = type("PanicException", (BaseException,), {})
    text = r"FILE: is no tokenizer \(PanicException: index\)"
    with pytest.raises(DataError, match=text), parsing("FILE", got="is no tokenizer"):
        raise panic("index")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3), UserError("as it is"), DataError("as it is")])
def test_errors_for_users_and_the_end_of_the_program_pass(error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, parsing("FILE"):
        raise error
    assert caught.value is error


def test_pixels_are_limited() -> None:
    check_pixels(12_000, 9_000, "a photograph of 108 megapixels")
    with pytest.raises(DataError) as caught:
        check_pixels(30_000, 30_000, "M")
    assert str(caught.value) == (
        f"M: 30000 x 30000 pixels; expected at most {MAX_PIXELS:,} pixels; shrink or remove the image"
    )
    with pytest.raises(DataError, match="M: 0 x 5 pixels; expected at least one pixel"):
        check_pixels(0, 5, "M")
