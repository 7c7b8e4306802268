"""The data set card (README.md) of a corpus: its content, its sources and licences, how to load and rebuild it.

Everything comes from the manifest; nothing identifies the machine that built the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml

from lavida_gen.building.card_place import CardPlace
from lavida_gen.building.checked_pairs import wilson
from lavida_gen.building.toolchain_bound import promise
from lavida_gen.common.project import PROJECT_URL
from lavida_gen.config.recipe import missing_paths, names_code
from lavida_gen.corpus.manifest import Manifest
from lavida_gen.corpus.schema import features
from lavida_gen.inspection.licences import ALLOWED, licence_fields, used_sources
from lavida_gen.inspection.preview_tar import preview_features
from lavida_gen.scenes.evidence import EVIDENCE
from lavida_gen.storage.places import is_url

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
         (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**13, "n>1B"))  # fmt: skip

PAPER = "2602.19248"
"""Number of the LAVIDA paper on arXiv."""

CITE = """@article{lavida,
  author  = {{The LAVIDA authors}},
  title   = {No Need For Real Anomaly: MLLM Empowered Zero-Shot Video Anomaly Detection},
  journal = {arXiv preprint arXiv:2602.19248},
  year    = {2026},
  url     = {https://arxiv.org/abs/2602.19248}
}"""


def card(manifest: Manifest, frames: Mapping[str, int], place: CardPlace, pictures: Sequence[str] = ()) -> str:
    """Write the text of README.md.

    Args:
        manifest: The corpus.
        frames: Frames of the longest sample, by kind.
        place: Where the corpus is.
        pictures: Names of sample pictures in the repository.

    Returns:
        The text: YAML front matter, then Markdown.
    """
    parts = [
        f"# {manifest.name}\n\n{manifest.about or 'A corpus of pseudo-anomaly samples.'}\n\n{INTRODUCTION}",
        "\n".join(_counts(manifest)),
        _samples(pictures),
        "## Load it\n\n" + "\n".join(_loading(manifest, place)),
        "## Can the labels be trusted?\n\n" + "\n".join(_evidence(manifest)) if manifest.evidence else "",
        "## Sources and licences\n\n" + "\n".join(_licences(manifest)),
        "## Attempts that failed\n\n" + "\n".join(_drops(manifest)) if manifest.drops else "",
        "## Make it again\n\n" + "\n".join(_again(manifest, place)),
        "## Cite\n\n```bibtex\n" + "\n\n".join([CITE, *(s.cite for s in used_sources(manifest) if s.cite)]) + "\n```",
    ]
    head = yaml.safe_dump(metadata(manifest, frames), sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{head}---\n\n" + "\n\n".join(part for part in parts if part) + "\n"


def _samples(pictures: Sequence[str]) -> str:
    images = "\n\n".join(f"![{name.rpartition('/')[2]}]({name})" for name in pictures)
    return f"## Samples\n\n{images}" if pictures else ""


INTRODUCTION = f"""\
Each sample is a picture or a short clip, a prompt that lists names, an answer with one `<SEG>`, and a mask for every
frame. In an *exposed* sample one of the names is in the scene and counts as the anomaly: the mask shows it. In the
others none of the names is there, and the mask is empty. It is training data for zero-shot video anomaly detection,
made from segmentation data by [LAVIDA-GEN]({PROJECT_URL}) as in [LAVIDA](https://arxiv.org/abs/{PAPER}); it holds no
real anomalies."""


def metadata(manifest: Manifest, frames: Mapping[str, int]) -> dict[str, object]:
    """The front matter of the card, with the configs by which `datasets` finds the files.

    Args:
        manifest: The corpus.
        frames: Frames of the longest sample, by kind.

    Returns:
        Plain data for YAML.
    """
    kinds = sorted({shard.kind for shard in manifest.shards})
    return {
        "pretty_name": manifest.name,
        **licence_fields(manifest),
        "language": ["en"],
        "task_categories": ["image-segmentation", "visual-question-answering"],
        "tags": [
            "video-anomaly-detection",
            "anomaly-segmentation",
            "zero-shot",
            "synthetic",
            "webdataset",
            "lavida-gen",
            f"arxiv:{PAPER}",
        ],
        "size_categories": [next(name for limit, name in SIZES if manifest.samples < limit)],
        "source_datasets": ["original" if _drawn(manifest) else "extended"],
        "configs": _configs(manifest, kinds),
        "dataset_info": [*(_info(manifest, kind, frames[kind]) for kind in kinds), *_preview_info(manifest)],
    }


def _drawn(manifest: Manifest) -> bool:
    return {source.name for source in used_sources(manifest)} == {"street"}


def _configs(manifest: Manifest, kinds: Sequence[str]) -> list[dict[str, object]]:
    """The configs of `datasets`: kinds first, so that loading without a config gives samples, then the preview."""
    configs: list[dict[str, object]] = [
        {"config_name": kind, "data_files": _files(manifest, kind), **({"default": True} if kind == kinds[0] else {})}
        for kind in kinds
    ]
    paths = [entry.file for entry in manifest.files if entry.role == "preview"]
    if paths:
        configs.append({"config_name": "preview", "data_files": [{"split": "train", "path": path} for path in paths]})
    return configs


def _preview_info(manifest: Manifest) -> Iterator[dict[str, object]]:
    if any(entry.role == "preview" for entry in manifest.files):
        yield {"config_name": "preview", "features": preview_features()}


def _splits(manifest: Manifest, kind: str) -> list[str]:
    return sorted({shard.split for shard in manifest.shards if shard.kind == kind})


def _files(manifest: Manifest, kind: str) -> list[dict[str, str]]:
    deep = any(shard.file.count("/") > 1 for shard in manifest.shards if shard.kind == kind)
    pattern = "{kind}/{split}-*/*.tar" if deep else "{kind}/{split}-*.tar"
    return [{"split": split, "path": pattern.format(kind=kind, split=split)} for split in _splits(manifest, kind)]


def _info(manifest: Manifest, kind: str, frames: int) -> dict[str, object]:
    shards = [shard for shard in manifest.shards if shard.kind == kind]
    splits = [
        {
            "name": split,
            "num_bytes": sum(shard.bytes for shard in shards if shard.split == split),
            "num_examples": sum(shard.samples for shard in shards if shard.split == split),
        }
        for split in _splits(manifest, kind)
    ]
    size = sum(shard.bytes for shard in shards)
    return {
        "config_name": kind,
        "features": features(frames, kind),
        "splits": splits,
        "download_size": size,
        "dataset_size": size,
    }


def _counts(manifest: Manifest) -> Iterator[str]:
    size = sum(shard.bytes for shard in manifest.shards)
    yield from ("| | |", "|---|---|")
    yield f"| samples | {manifest.samples:,}, of which {manifest.exposed:,} show an anomaly |"
    if manifest.scenes:
        each = f"{manifest.samples_per_scene:,.1f} samples of each on average"
        yield f"| different scenes | {manifest.scenes:,}, {each} |"
    if manifest.broken:
        yield f"| scenes that cannot be read, left out | {manifest.broken:,} |"
    for name, count in manifest.splits.items():
        yield f"| {name} | {count:,} |"
    yield f"| shards | {len(manifest.shards):,}, {size / 1e6:,.1f} MB |"
    yield f"| digest | `{manifest.digest}` |"
    yield f"| made by | lavida-gen {manifest.generator}, seed {manifest.seed} |"
    for plugin in manifest.plugins:
        yield _row((f"{plugin.family} `{plugin.name}` is from", f"{plugin.distribution} {plugin.version}"))
    yield "\nNo scene is in both train and val."


def _loading(manifest: Manifest, place: CardPlace) -> Iterator[str]:
    kinds = sorted({shard.kind for shard in manifest.shards})
    yield from ("With [datasets](https://huggingface.co/docs/datasets):\n", "```python")
    yield from ("from datasets import load_dataset\n",)
    for kind in kinds:
        yield f"{kind}s = load_dataset({_load_arguments(manifest, kind, place)}, streaming=True)"
    kind, split = kinds[0], _first_split(manifest, kinds[0])
    yield from ("```\n", "With [webdataset](https://github.com/webdataset/webdataset):\n", "```python")
    yield from ("import json, fsspec", "import webdataset as wds\n")
    yield f'base = "{place.base}/"'
    yield 'shards = json.load(fsspec.open(base + "corpus.json").open())["shards"]'
    yield f'urls = [base + s["file"] for s in shards if (s["kind"], s["split"]) == ("{kind}", "{split}")]'
    yield 'samples = wds.WebDataset(urls, shardshuffle=False).decode("pil")'
    yield from ("```\n", "Fields of a sample: " + ", ".join(_fields(kind)) + ".\n")
    yield f"`lavida-gen verify {place.ours}` reads every byte; `stats`, `preview`, `show` take that place, too."


def _load_arguments(manifest: Manifest, kind: str, place: CardPlace) -> str:
    """Arguments of `load_dataset`, which takes folders and repositories of the Hub; elsewhere it needs the files."""
    split = _first_split(manifest, kind)
    if not place.repo and is_url(place.dataset):
        pattern = next(row["path"] for row in _files(manifest, kind) if row["split"] == split)
        return f'"webdataset", data_files={{"{split}": "{place.base}/{pattern}"}}, split="{split}"'
    more = f', revision="{place.revision}"' if place.revision != "main" else ""
    return f'"{place.dataset}", "{kind}", split="{split}"{more}'


def _first_split(manifest: Manifest, kind: str) -> str:
    splits = _splits(manifest, kind)
    return "train" if "train" in splits else splits[0]


def _evidence(manifest: Manifest) -> Iterator[str]:
    """How the labels are known: shares of all listed names, and by source."""
    yield "How it is known that a listed name is, or is not, in the scene; the key `evidence` of a record has it.\n"
    sources = [source for source in manifest.sources if source.evidence]
    yield _row(("evidence", "names", "share", *(source.name for source in sources), "meaning"))
    yield "|---" * (len(sources) + 4) + "|"
    total = sum(manifest.evidence.values())
    for name in EVIDENCE:
        if name in manifest.evidence:
            count = manifest.evidence[name]
            shares = (_share(source.evidence.get(name, 0), sum(source.evidence.values())) for source in sources)
            yield _row((name, f"{count:,}", _share(count, total), *shares, MEANINGS[name]))
    yield from _checked(manifest)


def _checked(manifest: Manifest) -> Iterator[str]:
    """How often a listed absent name was found in a picture of the same data set after all."""
    judged = [(source.name, source.checked) for source in used_sources(manifest) if source.checked]
    if not judged:
        return
    yield (
        "\nPairs of a picture and a name listed as absent from it, drawn by a seed from other corpora of the same "
        "sources, were judged one by one from the picture (see docs/labels.md); doubtful ones count as wrong.\n"
    )
    yield from ("| source | pairs | wrong | share | 95 % interval (Wilson) |", "|---|---|---|---|---|")
    for name, checked in judged:
        low, high = wilson(checked)
        share = _share(checked.wrong, checked.pairs)
        yield _row((name, f"{checked.pairs:,}", f"{checked.wrong:,}", share, f"{low:.1%} to {high:.1%}"))


def _share(count: int, total: int) -> str:
    return f"{count / total:.1%}" if total else "0.0%"


MEANINGS = {
    "annotated": "there: the data set has its mask",
    "made": "there: pasted, moved or drawn by LAVIDA-GEN",
    "verified": "not there: the data set states so, or the scene is drawn",
    "exhaustive": "not there: the data set annotates all things of this vocabulary",
    "stated": "not there: listed as absent by whoever made the corpus",
    "unannotated": "not there, as far as is annotated",
}


def _fields(kind: str) -> list[str]:
    stem, more = ("", "") if kind == "image" else ("000.", " and so on for each frame")
    record = (
        "names, labels, evidence, question, answer, boxes and areas per frame, source, exposure, licence, attribution"
    )
    return [f"`{stem}jpg`", f"`{stem}mask.png` (0 or 255; all 0 = normal){more}", f"`json` ({record})"]


def _licences(manifest: Manifest) -> Iterator[str]:
    yield (
        "The samples are under the licences of the pictures that they were made from (where a thing was pasted: of "
        "both); each names its own in `json`.\n"
    )
    yield from ("| source | samples | licence | may be used | attribution |", "|---|---|---|---|---|")
    for source in used_sources(manifest):
        cells = (_link(source.title, source.page), f"{source.samples:,}", source.licence, ALLOWED[source.use],
                 source.attribution)  # fmt: skip
        yield _row(cells)
    yield from ("", "| licence of the picture | samples |", "|---|---|")
    yield from (_row((licence, f"{count:,}")) for licence, count in manifest.licences.items())


def _drops(manifest: Manifest) -> Iterator[str]:
    yield "How often a scene was tried in vain, and why; another scene was drawn instead.\n"
    yield from ("| exposure: reason | attempts |", "|---|---|")
    yield from (_row((why, f"{count:,}")) for why, count in sorted(manifest.drops.items(), key=lambda i: (-i[1], i[0])))


def _again(manifest: Manifest, place: CardPlace) -> Iterator[str]:
    places = "".join(f" --set {key}=DIR" for key in missing_paths(manifest.recipe))
    code = " --allow-code" * names_code(manifest.recipe)
    maker = ", with ".join([f"lavida-gen {manifest.generator}", *_packages(manifest)])
    yield f"{maker} makes the same bytes from the same data, with any number of workers:\n"
    yield f"    lavida-gen build --recipe {place.ours}{places}{code} --out again\n"
    if manifest.toolchains:
        yield "It was made with " + "; and ".join(_versions(toolchain) for toolchain in manifest.toolchains) + "."
        yield promise(bool(manifest.recipe.get("augmentations"))) + "\n"
    yield from ("<details><summary>The recipe</summary>\n", "```yaml")
    yield yaml.safe_dump(manifest.recipe, sort_keys=False, allow_unicode=True, width=100).rstrip()
    yield "```\n\n</details>"


def _versions(toolchain: Mapping[str, str]) -> str:
    return ", ".join(f"{package} {version}" for package, version in toolchain.items() if package != "lavida-gen")


def _packages(manifest: Manifest) -> list[str]:
    """The packages that bring plug-ins to the corpus, each once: ``my-package 1.2``."""
    return list(dict.fromkeys(f"{plugin.distribution} {plugin.version}" for plugin in manifest.plugins))


def _link(title: str, page: str) -> str:
    """A Markdown link to the first address of a page, if it begins with one."""
    address = page.split(maxsplit=1)[0] if page.strip() else ""
    return f"[{title}]({address})" if address.startswith(("http://", "https://")) else title


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
