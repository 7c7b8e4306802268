"""The columns of stats.parquet and of the `json` field: a Record's keys in order, as pyarrow types them."""

from __future__ import annotations

from typing import Any

from lavida_gen.scenes.sample import SampleRecord


def record_schema() -> Any:
    """The schema of a Record."""
    import pyarrow as pa

    text, whole, boxes = pa.string(), pa.int64(), pa.list_(pa.list_(pa.int64()))
    special = {
        "areas": pa.list_(pa.float64()), "boxes": boxes, "edits": boxes, "exposed": pa.bool_(), "fps": pa.float64(),
        "labels": pa.list_(pa.bool_()), "names": pa.list_(text),
        **dict.fromkeys(("frames", "height", "index", "seed", "width"), whole),
    }  # fmt: skip
    return pa.schema([(name, special.get(name, text)) for name in sorted(SampleRecord.__annotations__)])


def row_schema() -> Any:
    """The schema of stats.parquet: a Record, then `shard`."""
    import pyarrow as pa

    return record_schema().append(pa.field("shard", pa.string()))


def features(frames: int, kind: str) -> list[dict[str, Any]]:
    """The fields of a sample as a data set card names them (`datasets` reads them); `frames` of a clip."""
    stems = [""] if kind == "image" else [f"{time:03d}." for time in range(frames)]
    pictures = [name for stem in stems for name in (f"{stem}jpg", f"{stem}mask.png")]
    return [
        *({"name": name, "dtype": "string"} for name in ("__key__", "__url__")),
        *({"name": name, "dtype": "image"} for name in pictures),
        {"name": "json", "struct": [{"name": field.name, **_typed(field.type)} for field in record_schema()]},
    ]


def _typed(kind: Any) -> dict[str, Any]:
    import pyarrow as pa

    if pa.types.is_list(kind):
        inner = _typed(kind.value_type)
        return {"list": inner.get("dtype", inner)}
    return {"dtype": {"double": "float64"}.get(str(kind), str(kind))}
