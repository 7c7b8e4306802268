"""The columns of stats.parquet and of the `json` field: the keys of a SampleRecord in order, with pyarrow types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lavida_gen.scenes.sample import SampleRecord

if TYPE_CHECKING:
    import pyarrow as pa

Feature = dict[str, object]
"""One field in the `dataset_info` of a data set card."""


def record_schema() -> pa.Schema:
    """The pyarrow schema of a SampleRecord, keys sorted."""
    import pyarrow as pa

    text, whole, boxes = pa.string(), pa.int64(), pa.list_(pa.list_(pa.int64()))
    texts, numbers = pa.list_(text), pa.list_(pa.float64())
    special = {
        "areas": numbers, "boxes": boxes, "edits": boxes, "evidence": texts, "exposed": pa.bool_(),
        "fps": pa.float64(), "labels": pa.list_(pa.bool_()), "names": texts, "originals": texts, "seconds": numbers,
        **dict.fromkeys(("frames", "height", "index", "seed", "width"), whole),
    }  # fmt: skip
    return pa.schema([(name, special.get(name, text)) for name in sorted(SampleRecord.__annotations__)])


def row_schema() -> pa.Schema:
    """The pyarrow schema of stats.parquet: a SampleRecord, then `shard`, `anomalies` and `area`."""
    import pyarrow as pa

    added = [("shard", pa.string()), ("anomalies", pa.list_(pa.string())), ("area", pa.float64())]
    schema = record_schema()
    for name, kind in added:
        schema = schema.append(pa.field(name, kind))
    return schema


def sample_row(record: SampleRecord, shard: str) -> dict[str, object]:
    """The row of a sample in stats.parquet.

    Args:
        record: Its record.
        shard: Its shard, relative to the corpus.
    """
    return {**record, **added_columns(record, shard)}


def added_columns(record: SampleRecord, shard: str) -> dict[str, object]:
    """What the row of a sample has beside its record; arguments are those of `sample_row`."""
    anomalies = [name for name, label in zip(record["names"], record["labels"], strict=True) if label]
    return {"shard": shard, "anomalies": anomalies, "area": max(record["areas"])}


def features(frames: int, kind: str) -> list[Feature]:
    """The fields of a sample, as `datasets` reads them from a data set card.

    Args:
        frames: Number of frames of a clip; ignored for images.
        kind: "image" or "clip".

    Returns:
        One entry for each field, in the order of the shard.
    """
    stems = [""] if kind == "image" else [f"{time:03d}." for time in range(frames)]
    pictures = [name for stem in stems for name in (f"{stem}jpg", f"{stem}mask.png")]
    record: list[Feature] = [{"name": field.name, **_feature_type(field.type)} for field in record_schema()]
    fields: list[Feature] = [{"name": name, "dtype": "string"} for name in ("__key__", "__url__")]
    fields += [{"name": name, "dtype": "image"} for name in pictures]
    return [*fields, {"name": "json", "struct": record}]


def _feature_type(kind: pa.DataType) -> Feature:
    import pyarrow as pa

    if pa.types.is_list(kind):
        inner = _feature_type(kind.value_type)
        return {"list": inner.get("dtype", inner)}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}
