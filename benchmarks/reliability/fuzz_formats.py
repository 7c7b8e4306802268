"""Mutations of pictures, arrays, archives, tables and weights that need to know the format: sizes declared too large, links."""

from __future__ import annotations

import functools
import io
import json
import re
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
from fuzz_bytes import BYTES, KINDS, Mutation
from fuzz_texts import JSON, TEXT, YAML, value

HUGE = (0, 1, 65_535, 100_000, 2**31 - 1, 2**32 - 1)
TEXT_SUFFIXES = (".txt", ".csv", ".m", ".tsv", ".md", "")


def png_size(path: Path, rng: np.random.Generator) -> str:
    """Another size in the header, with a right checksum."""
    data = bytearray(path.read_bytes())
    side, at = int(rng.choice(HUGE)), int(rng.choice([16, 20]))
    data[at : at + 4] = struct.pack(">I", side)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    return f"{'width' if at == 16 else 'height'} {side}"


@functools.cache
def large_png(side: int, depth: int, kind: int) -> bytes:
    """A whole PNG of zeros: few bytes, many pixels."""
    row = bytes(1 + side * depth * {0: 1, 2: 3, 3: 1}[kind] // 8)
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(6)) if kind == 3 else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def png_bomb(path: Path, rng: np.random.Generator) -> str:
    """A whole picture of many pixels."""
    side, depth, kind = [(30_000, 1, 0), (12_000, 8, 0), (12_000, 1, 3), (7_000, 8, 2)][int(rng.integers(4))]
    path.write_bytes(large_png(side, depth, kind))
    return f"a PNG of {side} x {side}"


def picture_kind(path: Path, rng: np.random.Generator) -> str:
    """The same picture in another mode, size or format."""
    from PIL import Image

    modes = ["1", "L", "P", "RGB", "RGBA", "I;16", "CMYK", "LA", "I", "F"]
    mode, side = str(rng.choice(modes)), tuple(int(n) for n in rng.choice([1, 2, 48, 64, 500], 2))
    kind = {"F": "TIFF", "CMYK": "JPEG"}.get(mode, str(rng.choice(["PNG", "WEBP", "GIF", "BMP", "TIFF"])))
    try:
        Image.new(mode, side).save(path, kind)
    except (OSError, ValueError, KeyError):
        Image.new("RGB", side).save(path, "PNG")
    return f"{mode} {side} as {kind}"


def jpeg_size(path: Path, rng: np.random.Generator) -> str:
    """Another size in the frame header."""
    data = bytearray(path.read_bytes())
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    side = int(rng.choice([0, 1, 20_000, 65_500, 65_535]))
    if at >= 0:
        place = at + int(rng.choice([5, 7]))
        data[place : place + 2] = struct.pack(">H", side)
    path.write_bytes(data)
    return f"side {side}"


def npy_header(path: Path, rng: np.random.Generator) -> str:
    """Another shape or type in the header."""
    data = path.read_bytes()
    shape = str(
        rng.choice(
            [
                "(10**11,)",
                "(100000000000,)",
                "(-1,)",
                "()",
                "(0, 5)",
                "(2, 3, 4)",
                "(9223372036854775807,)",
                "'x'",
                "(1.5,)",
                "None",
            ]
        )
    )
    kind = str(rng.choice(["<f8", "|O", "<U1", "<c16", "|V8", "<M8[s]", ">i2", "xx", "<f2", "|S5"]))
    new = (
        re.sub(rb"'shape': \([^)]*\)", b"'shape': " + shape.encode(), data[:200]) if rng.random() < 0.6 else data[:200]
    )
    new = re.sub(rb"'descr': '[^']*'", f"'descr': '{kind}'".encode(), new) if new == data[:200] else new
    length = new.find(b"\n") + 1 - 10
    path.write_bytes(new[:8] + struct.pack("<H", max(0, length)) + new[10:] + data[200:])
    return f"header {new[:120]!r}"


def npy_content(path: Path, rng: np.random.Generator) -> str:
    """Other arrays."""
    options = [np.full(12, np.nan), np.array([None] * 12, object), np.zeros((12, 0)), np.array("x"), np.zeros((3, 4, 5, 6), np.uint8),
               np.full(12, 1e300), np.zeros(12, bool), np.array(["a"] * 12), np.zeros(12, complex), np.zeros(12, "M8[s]"), np.zeros(0),
               np.zeros(12, [("a", "f4"), ("b", "i8")]), np.full(12, 2**63, np.uint64)]  # fmt: skip
    at = int(rng.integers(len(options)))
    with path.open("wb") as file:
        np.save(file, options[at], allow_pickle=True)
    return f"{options[at].dtype} {options[at].shape}"


def npz_content(path: Path, rng: np.random.Generator) -> str:
    """Other arrays in an archive, or members that are none; one that unpacks to 4 GB."""
    how = int(rng.integers(4))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        if how == 0:
            archive.writestr("../outside.npy", b"x")
            archive.writestr("frames.npy", b"x")
        elif how == 1:
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (1 << 29,)})
            with archive.open("frames.npy", "w", force_zip64=True) as member:
                member.write(head.getvalue())
                for _ in range(256):
                    member.write(bytes(1 << 20))  # a sixteenth of what the header declares
        else:
            for name in ("frames", "pixels", "boxes", "box_frames", "box_scores", "scored"):
                array = io.BytesIO()
                np.save(
                    array,
                    np.zeros(
                        tuple(rng.integers(0, 13, int(rng.integers(0, 4)))), str(rng.choice(["f4", "i8", "U2", "bool"]))
                    ),
                )
                archive.writestr(f"{name}.npy", array.getvalue())
    return f"archive of form {how}"


def pickle_tricks(path: Path, rng: np.random.Generator) -> str:
    """Opcodes that crash, hang or take memory; a class; a dictionary of other keys."""
    tricks = {
        "deep": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".", "memo": b"\x80\x02Nr" + struct.pack("<I", 2**31 - 2) + b".",
        "global": b"cos\nsystem\n(S'touch outside.txt'\ntR.", "int": b"\x80\x02I" + b"9" * 50_000 + b"\n.", "long": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",
        "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.", "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.", "tuple key": b"\x80\x02}" + b")" + b"\x85" * 3000 + b"Ns.",
        "none": b"\x80\x02N.", "dict": b"\x80\x02}.", "list": b"\x80\x02](}}}}e.", "self": b"\x80\x02]q\x00h\x00a.", "mark": b"\x80\x02" + b"(" * 100_000 + b".",
        "bytes": b"\x80\x03]C\x02hia.", "float": b"\x80\x02]G\x7f\xf0\x00\x00\x00\x00\x00\x00a.", "dup": b"\x80\x02]" + b"2\x86" * 25 + b".",
    }  # fmt: skip
    name = str(rng.choice(sorted(tricks)))
    path.write_bytes(tricks[name])
    return f"pickle: {name}"


def tar_tricks(path: Path, rng: np.random.Generator) -> str:
    """Members that are links, devices or twice there; names that lead outside; sizes that are not true."""
    names = [
        "link",
        "hard link",
        "fifo",
        "device",
        "outside",
        "absolute",
        "twice",
        "huge",
        "sparse",
        "folder",
        "pax",
        "odd name",
        "reversed",
        "json",
    ]
    how = str(rng.choice(names))
    try:
        with tarfile.open(path) as archive:
            members = [(info, archive.extractfile(info).read() if info.isfile() else b"") for info in archive]  # type: ignore[union-attr]
    except (tarfile.TarError, OSError, EOFError):
        return "tar is damaged already"
    at = int(rng.integers(len(members)))
    info, data = members[at]
    if how == "reversed":
        members.reverse()
    elif how == "twice":
        members.insert(at, members[at])
    elif how == "json":
        records = [n for n, (one, _) in enumerate(members) if one.name.endswith(".json")]
        at = records[int(rng.integers(len(records)))]
        scratch = path.with_name("record.json")
        scratch.write_bytes(members[at][1])
        how = f"record: {JSON[int(rng.integers(len(JSON)))](scratch, rng)}"
        members[at] = (members[at][0], scratch.read_bytes())
        scratch.unlink()
    else:
        info.type = {"link": tarfile.SYMTYPE, "hard link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE, "device": tarfile.CHRTYPE,
                     "sparse": tarfile.GNUTYPE_SPARSE, "folder": tarfile.DIRTYPE}.get(how, info.type)  # fmt: skip
        info.linkname = "/etc/hostname" if how == "link" else members[0][0].name if how == "hard link" else ""
        info.name = {
            "outside": f"../../{info.name}",
            "absolute": f"/tmp/{info.name}",
            "odd name": "\x1b[31m" + info.name,
        }.get(how, info.name)
        if how == "pax":
            info.pax_headers = {
                "GNU.sparse.realsize": "9" * 12,
                "GNU.sparse.major": "1",
                "size": str(len(data)),
                "comment": "x" * 50_000,
            }
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT if how == "pax" else tarfile.GNU_FORMAT) as archive:
        for number, (one, content) in enumerate(members):
            one.size = len(content) if one.isfile() else 0
            if how == "huge" and number == at:
                one.size = 6 << 30
                archive.fileobj.write(one.tobuf(tarfile.GNU_FORMAT))  # type: ignore[union-attr]
                archive.fileobj.write(content)  # type: ignore[union-attr]
            else:
                archive.addfile(one, io.BytesIO(content) if one.isfile() else None)
    return f"tar: {how}, member {at}"


def parquet_table(path: Path, rng: np.random.Generator) -> str:
    """A column missing, of another type or under another name; rows missing or twice."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except Exception as error:  # an earlier mutation
        return f"parquet is damaged already ({type(error).__name__})"
    at, how = int(rng.integers(table.num_columns)), int(rng.integers(6))
    name = table.column_names[at]
    if how == 0:
        table = table.drop_columns([name])
    elif how == 1:
        table = table.set_column(at, name, pa.array([None] * len(table)))
    elif how == 2:
        table = table.set_column(at, name, pa.array([["x"]] * len(table)))
    elif how == 3:
        table = table.rename_columns([f"\x1b[31m{one}" if one == name else one for one in table.column_names])
    elif how == 4:
        table = table.slice(0, int(rng.integers(len(table))))
    else:
        table = pa.concat_tables([table, table])
    pq.write_table(table, path)
    return f"column {name!r}, change {how}"


def weights_header(path: Path, rng: np.random.Generator) -> str:
    """Another value in the header of a safetensors file, or another length of it."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    if rng.random() < 0.3 or length > len(data):
        new = int(rng.choice([0, 1, 2**31, 2**62, len(data) * 2]))
        path.write_bytes(struct.pack("<Q", new) + data[8:])
        return f"header of {new} bytes"
    scratch = path.with_name("header.json")
    header = json.loads(data[8 : 8 + length])
    scratch.write_text(
        json.dumps(dict(list(header.items())[: int(rng.integers(1, 1 + len(header)))]))
        if rng.random() < 0.2
        else json.dumps(header)
    )
    done = value(scratch, rng)
    text = scratch.read_bytes()
    scratch.unlink()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return f"header: {done}"


FORMATS: dict[str, tuple[Mutation, ...]] = {
    ".png": (png_size, png_size, png_bomb, picture_kind), ".jpg": (jpeg_size, jpeg_size, picture_kind, png_bomb),
    ".tif": (picture_kind, png_bomb), ".bmp": (picture_kind, png_bomb), ".npy": (npy_header, npy_header, npy_content, npy_content),
    ".npz": (npz_content,), ".p": (pickle_tricks, pickle_tricks, pickle_tricks), ".tar": (tar_tricks,) * 4, ".parquet": (parquet_table,) * 3,
    ".safetensors": (weights_header,) * 3, ".json": JSON, ".yaml": YAML, ".yml": YAML, ".jsonl": (*TEXT, value),
    **dict.fromkeys(TEXT_SUFFIXES, TEXT),
}  # fmt: skip
"""Suffix -> mutations that know its format."""


def mutations_of(path: Path, rng: np.random.Generator) -> Mutation:
    """Draw a mutation for a file: mostly one that knows its format."""
    known = FORMATS.get(path.suffix.lower(), ())
    draw = rng.random()
    family = known if known and draw < 0.6 else BYTES if draw < 0.87 else KINDS
    return family[int(rng.integers(len(family)))]


def mutate(folder: Path, rng: np.random.Generator) -> str:
    """Change one to three files below a folder.

    Files of rare kinds come as often as those of common ones: a data set has more photos than annotations.

    Returns:
        What was done.
    """
    done = []
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        files = sorted(
            path
            for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 30
        )
        if not files:
            break
        kinds = sorted({path.suffix.lower() for path in files})
        kind = str(rng.choice(kinds))
        files = [path for path in files if path.suffix.lower() == kind]
        path = files[int(rng.integers(len(files)))]
        mutation = mutations_of(path, rng)
        done.append(f"{path.relative_to(folder)!s}: {mutation(path, rng)}")
    return "; ".join(done)
