"""A corpus as one HTML file: gallery, filters, histograms. `common.html_page` escapes all texts."""

from __future__ import annotations

import base64
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypedDict

import numpy as np

from lavida_gen.common import html_page as pages
from lavida_gen.common.atomic_file import write_atomic
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.resources import resource
from lavida_gen.corpus.reader import Corpus
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.inspection.stats import CorpusStats, SampleCount, count_corpus
from lavida_gen.scenes import images, masks
from lavida_gen.storage.places import is_url

STILL, CLIP = 420, 300
"""Longest side of a still and of a clip's frame on the page, in pixels."""
MAX_NAMES = 12
"""Names in the histogram of listed names."""


class ChartRow(TypedDict):
    """A bar of a histogram: all samples, and those that show an anomaly."""

    label: str
    all: int
    exposed: int


class Chart(TypedDict):
    """A histogram of the page."""

    title: str
    rows: list[ChartRow]


def write_preview(corpus: Corpus, out: Path, limit: int = 120) -> Path:
    """Write the page of a corpus.

    Args:
        corpus: The corpus.
        out: The HTML file.
        limit: Number of samples in the gallery, at most.

    Returns:
        `out`.

    Raises:
        DataError: The corpus cannot be read or the file cannot be written.
    """
    rows = chain.from_iterable(corpus.row_batches(["index", "source", "kind", "exposure"]))
    chosen = choose_samples(rows, limit)
    name = corpus.place if is_url(corpus.place) else corpus.path.name
    cards = [sample_card(sample, name) for sample in corpus.samples_by_index(chosen)]
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


def preview_page(data: Mapping[str, object]) -> str:
    """Fill the template of the page.

    Args:
        data: What its script reads.

    Returns:
        The HTML text.
    """
    return pages.render_page(resource("preview.html"), f"{data['name']}: preview", data, resource("preview.css"))


def choose_samples(rows: Iterable[JsonObject], limit: int) -> list[int]:
    """Choose samples for the gallery: from every (source, kind, exposure) in turn, spread evenly over the corpus.

    Args:
        rows: Rows with index, source, kind and exposure, in sample order.
        limit: How many to choose, at most.

    Returns:
        Sample numbers, ascending.
    """
    groups: dict[tuple[str, str, str], array[int]] = defaultdict(lambda: array("q"))  # 8 bytes a sample
    for row in rows:
        groups[row["source"], row["kind"], row["exposure"]].append(row["index"])
    chosen: list[int] = []
    queues = [_spread(indices, limit) for _, indices in sorted(groups.items())]
    while queues and len(chosen) < limit:
        for queue in list(queues):
            if not queue:
                queues.remove(queue)
            elif len(chosen) < limit:
                chosen.append(queue.pop(0))
    return sorted(chosen)


def _spread(indices: Sequence[int], limit: int) -> list[int]:
    """Up to `limit` of them, evenly spaced, ordered by their bit-reversed position: the first ones cover all."""
    picked = [indices[round(position)] for position in np.linspace(0, len(indices) - 1, min(limit, len(indices)))]
    order = sorted(range(len(picked)), key=lambda position: int(f"{position:016b}"[::-1], 2))
    return [picked[position] for position in order]


def sample_card(sample: EncodedSample, corpus: str) -> dict[str, object]:
    """What the page shows of a sample.

    Args:
        sample: The sample.
        corpus: Name or URL of the corpus, for the command that shows the sample.

    Returns:
        Plain JSON for the page's script.
    """
    record = sample.record
    longest = STILL if record["frames"] == 1 else CLIP
    size = f"{record['width']} x {record['height']}"
    listed = list(zip(record["names"], record["labels"], record["evidence"], strict=True))
    facts = {
        "made of": f"{record['source']} {record['scene']}",
        "exposure": record["exposure"],
        "size": size if record["frames"] == 1 else f"{size}, {record['frames']} frames",
        "area": f"{max(record['areas']):.2%} of the frame at most",
        "names": ", ".join(f"{name} ({'anomaly, ' if label else ''}{known})" for name, label, known in listed),
        "licence": f"{record['licence']} ({record['use']})",
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


def frame_thumbnail(frame: bytes, mask: bytes, edit: Sequence[int], longest: int) -> dict[str, object]:
    """A small version of a frame.

    Args:
        frame: JPEG file.
        mask: PNG file of the size of the frame.
        edit: Box (x, y, width, height) in pixels of the frame; all 0 for none.
        longest: Longest side of the thumbnail in pixels.

    Returns:
        `image` as data URI, `width`, `height`, `path` (outline of the mask as SVG path) and `edit`, both in pixels of
        the thumbnail.
    """
    pixels = images.decode(frame, None, "frame")
    thumbnail = picture_thumbnail(pixels, masks.from_png(mask), longest, 78)
    if any(edit):
        thumbnail["edit"] = [round(side * min(1.0, longest / max(pixels.shape)), 1) for side in edit]
    return thumbnail


def picture_thumbnail(pixels: images.Pixels, bits: masks.Bits, longest: int, quality: int) -> dict[str, object]:
    """A small version of a picture with the outline of a mask.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        bits: (H, W) bool: the mask.
        longest: Longest side of the thumbnail in pixels.
        quality: JPEG quality, 0..100.

    Returns:
        `image` as data URI, `width`, `height`, and `path`, the outline as SVG path in pixels of the thumbnail.
    """
    import cv2

    scale = min(1.0, longest / max(pixels.shape))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    data = images.encode_jpeg(np.asarray(small, np.uint8), quality)
    uri = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    return {"image": uri, "width": width, "height": height, "path": _path(bits, scale)}


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


def corpus_charts(counts: CorpusStats) -> list[Chart]:
    """The histograms of the page, over the whole corpus.

    Args:
        counts: Counts of the corpus.

    Returns:
        Title and rows of each.
    """
    plain = {str(key): value for key, value in counts["names_per_prompt"].items()}
    listed = dict(list(counts["listed"].items())[:MAX_NAMES])
    histograms: list[Chart] = [
        _chart("source", counts["sources"]),
        _chart("exposure", counts["exposures"]),
        _chart("licence", counts["licences"]),
        _chart(f"names most listed ({len(counts['listed'])} in all)", listed),
        {"title": "evidence of listed names", "rows": _rows(counts["evidence"].items())},
        {"title": "anomaly's share of the frame", "rows": _rows(counts["areas"].items())},
        {"title": "names per prompt", "rows": _rows(plain.items())},
    ]
    if counts["drops"]:
        histograms.append({"title": "attempts that failed", "rows": _rows(counts["drops"].items())})
    return histograms


def _chart(title: str, rows: Mapping[str, SampleCount]) -> Chart:
    parts: list[ChartRow] = [
        {"label": label, "all": row["samples"], "exposed": row["exposed"]} for label, row in rows.items()
    ]
    return {"title": title, "rows": parts}


def _rows(items: Iterable[tuple[str, int]]) -> list[ChartRow]:
    return [ChartRow(label=label, all=count, exposed=0) for label, count in items]
