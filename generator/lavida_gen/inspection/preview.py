"""A corpus as one HTML file to look at: gallery, filters, histograms; see page.py for what keeps it harmless."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lavida_gen.common import html_page as pages
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.resources import resource
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.inspection.stats import CorpusStats, SampleCount, count_corpus
from lavida_gen.scenes import images, masks
from lavida_gen.storage.places import is_url

STILL, CLIP = 420, 300
"""Longest side of a still and of a clip's frame on the page, in pixels."""
TOP = 12


def write_preview(corpus: Corpus, out: Path, limit: int = 120) -> Path:
    """Write the page for `corpus` to `out`, with up to `limit` samples of every sort. Raises DataError."""
    pieces = corpus.row_batches(["index", "source", "kind", "exposure"])
    chosen = choose_samples((row for piece in pieces for row in piece), limit)
    called = corpus.place if is_url(corpus.place) else corpus.path.name
    cards = [sample_card(sample, called) for sample in corpus.samples_by_index(chosen)]
    out.parent.mkdir(parents=True, exist_ok=True)
    manifest = corpus.manifest
    head = {
        "name": manifest.name,
        "about": manifest.about,
        "samples": manifest.samples,
        "exposed": manifest.exposed,
        "seed": manifest.seed,
        "digest": manifest.digest,
    }
    write_atomic(out, preview_page({**head, "charts": corpus_charts(count_corpus(corpus)), "cards": cards}).encode())
    return out


def preview_page(data: Mapping[str, Any]) -> str:
    """The whole page around its data."""
    return pages.render_page(resource("preview.html"), f"{data['name']}: preview", data, resource("preview.css"))


def choose_samples(rows: Iterable[Mapping[str, Any]], limit: int) -> list[int]:
    """Sample numbers: from every (source, kind, exposure) in turn, evenly over the corpus."""
    sorts: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        sorts[row["source"], row["kind"], row["exposure"]].append(row["index"])
    chosen: list[int] = []
    queues = [_spread(indices, limit) for _, indices in sorted(sorts.items())]
    while queues and len(chosen) < limit:
        for queue in list(queues):
            if not queue:
                queues.remove(queue)
            elif len(chosen) < limit:
                chosen.append(queue.pop(0))
    return sorted(chosen)


def _spread(indices: list[int], limit: int) -> list[int]:
    """Up to `limit` of them, from first to last, in an order that covers the whole range early."""
    picked = [indices[round(at)] for at in np.linspace(0, len(indices) - 1, min(limit, len(indices)))]
    order = sorted(range(len(picked)), key=lambda at: int(f"{at:016b}"[::-1], 2))
    return [picked[at] for at in order]


def sample_card(sample: EncodedSample, corpus: str) -> dict[str, Any]:
    """What the page shows of a sample."""
    record = sample.record
    longest = STILL if record["frames"] == 1 else CLIP
    size = f"{record['width']} x {record['height']}"
    listed = list(zip(record["names"], record["labels"], strict=True))
    facts = {
        "made of": f"{record['source']} {record['scene']}",
        "exposure": record["exposure"],
        "size": size if record["frames"] == 1 else f"{size}, {record['frames']} frames",
        "area": f"{max(record['areas']):.2%} of the frame at most",
        "names": ", ".join(name if not label else f"{name} (anomaly)" for name, label in listed),
        "licence": record["licence"],
        "attribution": record["attribution"],
        "show it": f"lavida-gen show {corpus} {record['index']}",
    }
    return {
        **{key: record[key] for key in ("index", "kind", "split", "source", "exposure", "exposed", "names", "labels")},
        **{key: record[key] for key in ("question", "answer", "licence")},
        "frames": [
            frame_thumbnail(frame, mask, edit, longest)
            for frame, mask, edit in zip(sample.frames, sample.masks, record["edits"], strict=True)
        ],
        "facts": [[key, value] for key, value in facts.items() if value],
    }


def frame_thumbnail(frame: bytes, mask: bytes, edit: Sequence[int], longest: int) -> dict[str, Any]:
    """A small JPEG as data URI, the mask's outline as an SVG path and the edited box, in its pixels."""
    import cv2

    pixels = images.decode(frame, None, "frame")
    scale = min(1.0, longest / max(pixels.shape))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    data = images.encode_jpeg(np.asarray(small, np.uint8), 78)
    shown: dict[str, Any] = {
        "image": "data:image/jpeg;base64," + base64.b64encode(data).decode(),
        "width": width,
        "height": height,
        "path": _path(masks.from_png(mask), scale),
    }
    if any(edit):
        shown["edit"] = [round(side * scale, 1) for side in edit]
    return shown


def _path(bits: masks.Bits, scale: float) -> str:
    """Outlines, holes too, simplified to half a pixel of the small picture."""
    import cv2

    if not bits.any():
        return ""
    lines, _ = cv2.findContours(bits.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parts = []
    for line in lines:
        corners = cv2.approxPolyDP(line, 0.5 / scale, True)[:, 0, :] * scale
        if len(corners) > 2 or len(lines) == 1:
            parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "Z")
    return "".join(parts)


def corpus_charts(counts: CorpusStats) -> list[dict[str, Any]]:
    """The histograms of the page, over the whole corpus."""
    plain = {str(key): value for key, value in counts["names_per_prompt"].items()}
    listed = dict(list(counts["listed"].items())[:TOP])
    found = [
        _chart("source", counts["sources"]),
        _chart("exposure", counts["exposures"]),
        _chart("licence", counts["licences"]),
        _chart(f"names most listed ({len(counts['listed'])} in all)", listed),
        {"title": "anomaly's share of the frame", "rows": _rows(counts["areas"].items())},
        {"title": "names per prompt", "rows": _rows(plain.items())},
    ]
    if counts["drops"]:
        found.append({"title": "dropped scenes", "rows": _rows(counts["drops"].items())})
    return found


def _chart(title: str, rows: Mapping[str, SampleCount]) -> dict[str, Any]:
    parts = [{"label": label, "all": row["samples"], "exposed": row["exposed"]} for label, row in rows.items()]
    return {"title": title, "rows": parts}


def _rows(items: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    return [{"label": label, "all": count, "exposed": 0} for label, count in items]
