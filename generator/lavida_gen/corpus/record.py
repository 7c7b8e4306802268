"""Reading the record of a sample, which somebody else may have written: keys, types, and lists that fit each other."""

from __future__ import annotations

from collections.abc import Iterator, Sized
from typing import cast

from pydantic import TypeAdapter, ValidationError

from lavida_gen.common.errors import DataError, problem, validation_text
from lavida_gen.common.text import control_character, counted, shorten
from lavida_gen.scenes.evidence import USES
from lavida_gen.scenes.sample import Format1Record, SampleRecord

KEYS = tuple(sorted(SampleRecord.__annotations__))
"""Keys of a record that this version knows."""
NEW_KEYS = tuple(sorted(SampleRecord.__annotations__.keys() - Format1Record.__annotations__.keys()))
"""Keys of a record that format 1 does not have."""
LONGEST_SIDE = 65_535
"""Pixels of a JPEG's side, at most."""
_LARGEST = 2**63 - 1
_RECORDS = TypeAdapter(SampleRecord)
_OLD_RECORDS = TypeAdapter(Format1Record)


def parse_record(data: bytes, where: str) -> SampleRecord:
    """The record of a sample, in which the keys that came with format 2 may be missing (all of them).

    Args:
        data: The `json` field.
        where: Shard and sample, for messages.

    Returns:
        The record. Keys that this version does not know are kept.

    Raises:
        DataError: It is no record.
    """
    record = read_record(data, where)
    for text in record_problems(record):
        raise DataError(problem(where, text))
    return record


def read_record(data: bytes, where: str) -> SampleRecord:
    """As `parse_record`, but only keys and types are checked: `record_problems` may find more."""
    try:
        record = _RECORDS.validate_json(data)
    except ValidationError as error:
        record = _record_of_format_1(data, error, where)
    # JSON in ASCII without escapes has no control characters
    if (not data.isascii() or b"\\" in data or b"\x7f" in data) and (found := control_character(record)):
        raise DataError(problem(where, f"its json: {found}", "plain text"))
    return record


def _record_of_format_1(data: bytes, error: ValidationError, where: str) -> SampleRecord:
    """As `read_record`, for a record that is none of format 2. Raises DataError."""
    missing = sorted(str(row["loc"][0]) for row in error.errors() if row["type"] == "missing")
    if tuple(missing) == NEW_KEYS and len(missing) == error.error_count():
        return cast(SampleRecord, _OLD_RECORDS.validate_json(data))
    if missing:
        keys = shorten(missing, 5)
        raise DataError(problem(where, f"its json does not have the keys of a sample record: {keys} missing"))
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    text = validation_text(first["msg"])
    raise DataError(problem(where, f"its json is not valid ({key + ': ' if key else ''}{text})")) from error


def record_problems(record: SampleRecord) -> Iterator[str]:
    """What contradicts itself in a record, so that reading the sample would go wrong.

    Args:
        record: The record, its types checked.

    Yields:
        Messages without the name of the sample.
    """
    frames, count = record["frames"], len(record["names"])
    if record["kind"] not in ("image", "clip") or record["split"] not in ("train", "val"):
        yield f"is {record['kind']}/{record['split']}; expected image or clip, train or val"
    if not 1 <= frames <= (1 if record["kind"] == "image" else _LARGEST):
        yield f"states {counted(frames, 'frame')} of a {record['kind']}"
    if not (1 <= record["width"] <= LONGEST_SIDE and 1 <= record["height"] <= LONGEST_SIDE):
        yield f"states a size of {record['width']} x {record['height']} pixels"
    if not (0 <= record["index"] <= _LARGEST and 0 <= record["seed"] <= _LARGEST):
        yield f"index {record['index']} and seed {record['seed']}; expected numbers from 0 to {_LARGEST}"
    if not count or count != len(record["labels"]):
        yield f"{counted(count, 'name')} and {counted(len(record['labels']), 'label')}"
    per_frame: dict[str, Sized] = {"boxes": record["boxes"], "areas": record["areas"], "edits": record["edits"]}
    if "use" in record:
        per_frame["seconds"] = record["seconds"]
        per_name: dict[str, Sized] = {"evidence": record["evidence"], "originals": record["originals"]}
        yield from _other_lengths(per_name, count, "name")
        if record["use"] not in USES:
            yield f"use is {record['use']!r}; expected {' or '.join(USES)}"
    yield from _other_lengths(per_frame, frames, "frame")
    if record["exposed"] != any(record["labels"]):
        yield "exposed and labels disagree"
    if any(not 0 <= area <= 1 for area in record["areas"]):
        yield "an area is no share of a frame from 0 to 1"
    for box in (*record["boxes"], *record["edits"]):
        if not _is_inside(box, record["width"], record["height"]):
            yield f"box {shorten([str(side) for side in box], 6)} is not within {record['width']} x {record['height']}"
            return


def _other_lengths(lists: dict[str, Sized], length: int, unit: str) -> Iterator[str]:
    """Lists that have another length than they should."""
    for key, values in lists.items():
        if len(values) != length:
            yield f"{counted(length, unit)} and {len(values)} {key}"


def _is_inside(box: list[int], width: int, height: int) -> bool:
    if len(box) != 4:
        return False
    x, y, w, h = box
    return x >= 0 and y >= 0 and w >= 0 and h >= 0 and x + w <= width and y + h <= height
