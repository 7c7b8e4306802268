"""Checks of stats.parquet, which somebody else may have written: types, missing values, lists that fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lavida_gen.common.json_file import JsonObject
from lavida_gen.corpus.schema import row_schema

if TYPE_CHECKING:
    import pyarrow as pa

PER_NAME = ("names", "labels", "evidence", "originals")
PER_FRAME = ("boxes", "areas", "edits", "seconds")
"""Columns whose lists have one entry for each listed name, and for each frame."""


def check_types(schema: pa.Schema, columns: Iterable[str]) -> None:
    """Check the types of some columns of the file.

    Args:
        schema: Its schema.
        columns: The columns that are to be read; all of them exist.

    Raises:
        ValueError: A column has another type than in `row_schema`.
    """
    expected = row_schema()
    for name in columns:
        if name in expected.names and schema.field(name).type != expected.field(name).type:
            raise ValueError(f"column {name!r} has type {schema.field(name).type}, not {expected.field(name).type}")


def check_values(batch: pa.RecordBatch) -> None:
    """Check that no value of some rows is missing.

    Args:
        batch: The rows; types are checked.

    Raises:
        ValueError: One is.
    """
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        inner: pa.Array | None = column
        while inner is not None:
            if inner.null_count:
                raise ValueError(f"column {name!r} has missing values")
            inner = inner.values if hasattr(inner, "offsets") else None


def check_rows(rows: Sequence[JsonObject]) -> None:
    """Check that the lists of each row fit each other. Plain Python: NumPy would have pyarrow import pandas.

    Args:
        rows: Rows with the same columns; no value is missing.

    Raises:
        ValueError: Lists of a row have different lengths or none, or an area is no share of a frame.
    """
    columns = rows[0].keys() if rows else ()
    per_name = [name for name in PER_NAME if name in columns]
    per_frame = [name for name in PER_FRAME if name in columns]
    if not per_name and not per_frame:
        return
    for row in rows:
        where = f"row {row['index']}: " if "index" in row else ""
        for group, length in ((per_name, 0), (per_frame, row.get("frames", 0))):
            lengths = {len(row[name]) for name in group}
            if len(lengths) > 1 or 0 in lengths or (length and lengths and lengths != {length}):
                raise ValueError(f"{where}lists of different lengths or empty ones: {', '.join(group)}")
        if not all(0 <= area <= 1 for area in row.get("areas", ())):
            raise ValueError(f"{where}an area is no share of a frame from 0 to 1")
