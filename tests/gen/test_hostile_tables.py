"""Tables of strangers that name files of the reader's machine: no picture from elsewhere comes into a corpus."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import hub_server
import pytest
from miniatures import hf, shapes
from publishing import stand_in_hub  # noqa: F401  # the fixture `hub`
from traps import opened

from lavida_gen.common.errors import DataError

NAMES = {"names": ["", "cart", "person"]}
PLANE = shapes.plane({1: (5, 5, 10, 10), 2: (30, 10, 20, 20)})


def table(picture: dict[str, Any], mask: Any = None) -> Any:
    """One row; `mask` is a cell or None for a good one. Cells are not checked or embedded: a stranger does neither."""
    import datasets
    import pyarrow as pa

    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    columns = {
        "image": pa.array([picture], kind),
        "mask": pa.array([mask or hf.encoded(PLANE, "PNG")], kind) if not isinstance(mask, list) else pa.array([mask]),
    }
    return datasets.Dataset(pa.table(columns))


def saved(root: Path, picture: dict[str, Any], mask: Any = None) -> dict[str, Any]:
    """The table as `save_to_disk` lays it out; it would itself read what a cell of type Image names."""
    table(picture, mask).save_to_disk(str(root))
    return {"saved": root, **NAMES}


@pytest.fixture(name="secret")
def private_picture(tmp_path: Path) -> Path:
    path = tmp_path / "private.png"
    path.write_bytes(hf.encoded(shapes.photo(1), "PNG")["bytes"])
    return path


@pytest.mark.parametrize("name", ["{secret}", "../private.png", "link.png", "a/../../private.png", "~/private.png"])
def test_a_cell_names_a_file_of_the_reader(name: str, tmp_path: Path, secret: Path) -> None:
    root = tmp_path / "table"
    options = saved(root, {"bytes": None, "path": name.format(secret=secret)})
    (root / "link.png").symlink_to(secret)
    source = opened("hf", options)
    with pytest.raises(
        DataError, match=r"file name .* leaves the table's folder|names the file|table/~.*cannot be read"
    ):
        source.scene(0).frames[0].pixels()


@pytest.mark.parametrize(
    "nested", [lambda path: path, lambda path: [path], lambda path: [{"segmentation": path, "category": "cart"}]]
)
def test_a_mask_names_a_file_of_the_reader(nested: Any, tmp_path: Path, secret: Path) -> None:
    options = saved(
        tmp_path / "table", hf.encoded(shapes.photo(0), "PNG"), nested({"bytes": None, "path": str(secret)})
    )
    with pytest.raises(DataError, match="names the file"):
        opened("hf", options).scene(0)


def test_a_file_of_the_table_itself_is_read(tmp_path: Path) -> None:
    options = saved(tmp_path / "table", {"bytes": None, "path": "own/a.png"})
    (tmp_path / "table" / "own").mkdir()
    (tmp_path / "table" / "own" / "a.png").write_bytes(hf.encoded(shapes.photo(1), "PNG")["bytes"])
    assert opened("hf", options).scene(0).frames[0].pixels().shape == (*shapes.SIZE, 3)


@pytest.mark.parametrize("file", ["../other/data-00000-of-00001.arrow", "{tmp}/other/data-00000-of-00001.arrow"])
def test_a_saved_table_names_the_rows_of_another_one(file: str, tmp_path: Path) -> None:
    picture = hf.encoded(shapes.photo(0), "PNG")
    saved(tmp_path / "other", picture)
    options = saved(tmp_path / "table", picture)
    state = tmp_path / "table" / "state.json"
    plain = json.loads(state.read_text())
    plain["_data_files"][0]["filename"] = file.format(tmp=tmp_path)
    state.write_text(json.dumps(plain))
    with pytest.raises(DataError, match=r"state\.json: file name .* leaves the table"):
        opened("hf", options)


def test_rows_of_a_saved_table_in_a_fifo(tmp_path: Path) -> None:
    options = saved(tmp_path / "table", hf.encoded(shapes.photo(0), "PNG"))
    (rows,) = (tmp_path / "table").glob("*.arrow")
    rows.unlink()
    os.mkfifo(rows)
    with pytest.raises(DataError, match=r"\.arrow: cannot be read \(it is a FIFO.*; expected an Arrow file; save it"):
        opened("hf", options)


def test_rows_that_would_begin_behind_the_end_of_their_file(tmp_path: Path) -> None:
    """Arrow trusts the offsets of a file: reading such a row ends the process."""
    picture = hf.encoded(shapes.photo(0), "PNG")
    options = saved(tmp_path / "table", picture)
    (rows,) = (tmp_path / "table").glob("*.arrow")
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, len(picture["bytes"])))
    head, found, tail = rows.read_bytes().rpartition(offsets)  # before it only Arrow's own description has them
    assert found
    rows.write_bytes(head + found[:4] + (2**30).to_bytes(4, "little") + tail)
    with pytest.raises(DataError, match=r"table: is damaged \(.*; expected a whole table; save it again"):
        opened("hf", options)


def test_a_saved_table_names_a_split_elsewhere(tmp_path: Path) -> None:
    picture = hf.encoded(shapes.photo(0), "PNG")
    saved(tmp_path / "other", picture)
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "dataset_dict.json").write_text(json.dumps({"splits": ["../other"]}))
    with pytest.raises(DataError, match=r"dataset_dict\.json: file name '\.\./other' leaves the table"):
        opened("hf", {"saved": tmp_path / "table", **NAMES})


@pytest.mark.parametrize("repo", ["/etc", "../table", "./table", "a/b/c", "https://example.org/x", "a\x1b/b"])
def test_a_repository_is_no_path(repo: str) -> None:
    with pytest.raises(ValueError, match="should match pattern"):
        opened("hf", {"repo": repo, **NAMES})


@pytest.fixture(name="offered")
def on_the_hub(hub: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Offers files as a repository of a loopback Hub, and opens it with a cache of its own."""
    import datasets
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.endpoint)

    def offer(files: dict[str, bytes]) -> Any:
        kept = {name: hub_server.File(data, True) for name, data in files.items()}
        hub.repos["someone/table"] = hub_server.Repo(branches={"main": [hub_server.Commit("1" * 40, kept)]})
        return opened("hf", {"repo": "someone/table", **NAMES})

    return offer


def test_a_table_on_the_hub_names_files_of_the_reader(offered: Any, secret: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table({"bytes": None, "path": str(secret)}).data.table, sink)
    source = offered({"data/train.parquet": sink.getvalue().to_pybytes()})
    with pytest.raises(DataError, match="names the file"):
        source.scene(0).frames[0].pixels()


@pytest.mark.parametrize("name", ["a.png", "../../private.png"])
def test_a_folder_of_pictures_on_the_hub(name: str, offered: Any) -> None:
    """Their cells are paths, in the cache of the repository: those are read, others are not."""
    files = {
        "train/a.png": hf.encoded(shapes.photo(0), "PNG")["bytes"],
        "train/m.png": hf.encoded(PLANE, "PNG")["bytes"],
        "train/metadata.jsonl": json.dumps({"image_file_name": name, "mask_file_name": "m.png"}).encode(),
    }
    if name == "a.png":
        assert offered(files).scene(0).frames[0].pixels().shape == (*shapes.SIZE, 3)
        return
    with pytest.raises(DataError, match="cannot be opened"):
        offered(files)
