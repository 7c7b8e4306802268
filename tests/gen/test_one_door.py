"""Files of strangers are opened and parsed in a few modules, which check them first; nothing else calls the parsers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lavida_gen

ROOT = Path(lavida_gen.__path__[0])
CALLS = {
    "read_bytes", "read_text", "open", "os.open", "io.open",
    "cv2.imread", "cv2.imdecode", "cv2.VideoCapture", "Image.open", "av.open",
    "np.load", "np.fromfile", "np.memmap", "np.loadtxt", "np.genfromtxt", "np.lib.format.open_memmap",
    "json.load", "json.loads", "yaml.load", "yaml.safe_load", "yaml.full_load", "yaml.unsafe_load",
    "tarfile.open", "tarfile.TarFile", "zipfile.ZipFile", "gzip.open", "zlib.decompress",
    "pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.loads", "marshal.load",
    "pq.ParquetFile", "pq.read_table", "pq.read_schema", "ET.parse", "scipy.io.loadmat",
    "datasets.load_from_disk", "datasets.load_dataset",
}  # fmt: skip
"""Calls that open or parse a file; a name without a dot is a method of any object."""
DOORS = {
    "common/input_file.py": {"os.open"},
    "common/resources.py": {"read_text"},  # files of this project
    "common/json_file.py": {"json.loads"},
    "common/yaml_text.py": {"yaml.load"},
    "common/arrays.py": {"np.load"},
    "scenes/image_decoders.py": {"cv2.imdecode", "Image.open"},
    "scenes/video_file.py": {"av.open"},
    "corpus/tar_files.py": {"tarfile.TarFile"},
    "annotations/contained_pickle.py": {"marshal.loads"},  # of a process of our own
    "corpus/reader.py": {"pq.ParquetFile", "pq.read_schema"},
    "building/finish.py": {"pq.ParquetFile"},
    "engines/_base.py": {"pickle.loads"},  # of a process of our own
    "processes/leftovers.py": {"open"},  # /proc
    "names/make_wordnet.py": {"read_text", "read_bytes"},  # a tool of this project
    "sources/_hf_table.py": {"datasets.load_from_disk", "datasets.load_dataset"},
}
"""The modules that may, and what."""
WRITING = ("w", "wb", "x", "xb", "a", "ab")


def name_of(call: ast.Call) -> str:
    """`cv2.imread` for a function of a module, `read_bytes` for a method that every path has, else ""."""
    if isinstance(call.func, ast.Name):
        return call.func.id if call.func.id in ("open", "own_text") else ""
    if not isinstance(call.func, ast.Attribute):
        return ""
    whole, method = ast.unparse(call.func), call.func.attr
    if whole in CALLS:
        return whole
    first = call.args[0] if call.args else None
    of_a_path = first is None or (isinstance(first, ast.Constant) and str(first.value)[:1] in "rwxa")
    if method == "open":  # of storages and archives, which take a name
        return method if of_a_path else ""
    return method if method == "read_text" or (method == "read_bytes" and first is None) else ""


def is_writing(call: ast.Call) -> bool:
    values = [*call.args, *(word.value for word in call.keywords)]
    return any(isinstance(value, ast.Constant) and value.value in WRITING for value in values)


def is_own(call: ast.Call) -> bool:
    """Whether the argument is the text of a file of this project."""
    return bool(call.args) and isinstance(call.args[0], ast.Call) and name_of(call.args[0]) == "own_text"


def calls(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and name_of(node) in CALLS and not is_writing(node) and not is_own(node):
            yield node.lineno, name_of(node)


def forbidden(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if place.startswith("testing/"):  # tests for plug-ins, on files that they draw
            continue
        allowed = DOORS.get(place, set())
        found += [f"{place}:{line}: {name}" for line, name in calls(path) if name not in allowed]
    return found


def test_only_the_doors_open_and_parse_files() -> None:
    assert forbidden(ROOT) == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("path.read_bytes()", "read_bytes"),
        ("Path(x).read_text('utf-8')", "read_text"),
        ("open(path)", "open"),
        ("open(path, 'rb')", "open"),
        ("path.open()", "open"),
        ("path.open('rb')", "open"),
        ("cv2.imdecode(data, 1)", "cv2.imdecode"),
        ("cv2.imread(str(path))", "cv2.imread"),
        ("Image.open(data)", "Image.open"),
        ("np.load(path)", "np.load"),
        ("json.loads(text)", "json.loads"),
        ("yaml.safe_load(text)", "yaml.safe_load"),
        ("tarfile.open(path)", "tarfile.open"),
        ("pickle.loads(data)", "pickle.loads"),
    ],
)
def test_each_way_around_is_seen(line: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text(f"def read(path, x, data, text):\n    return {line}\n")
    assert forbidden(tmp_path) == [f"new.py:2: {name}"]


@pytest.mark.parametrize(
    "line",
    ["open(path, 'wb')", "path.open('w')", "storage.open(name)", "yaml.safe_load(own_text(path))", "read_text(path)"],
)
def test_what_is_no_way_around(line: str, tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text(f"def read(path, storage, name):\n    return {line}\n")
    assert forbidden(tmp_path) == []
