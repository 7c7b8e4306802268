"""The data set card (README.md) of a corpus: its content, its sources and licences, how to load and rebuild it.

Everything comes from the manifest; nothing identifies the machine that built the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import yaml

from lavida_gen.common import plugins
from lavida_gen.common.project import PROJECT_URL
from lavida_gen.config.recipe import EXPOSURES, missing_paths, names_code
from lavida_gen.corpus.manifest import Manifest, SourceEntry
from lavida_gen.corpus.schema import features
from lavida_gen.exposures._base import Exposure

KNOWN_LICENCES = ("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "apache-2.0", "mit")
"""Licences for which the Hub has an identifier."""

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M"),
         (10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**13, "n>1B"))  # fmt: skip

CITE = """@article{lavida,
  title   = {No Need For Real Anomaly: MLLM Empowered Zero-Shot Video Anomaly Detection},
  journal = {arXiv preprint arXiv:2602.19248},
  year    = {2026}
}"""


def card(
    manifest: Manifest, frames: Mapping[str, int], repo: str = "", revision: str = "main", pictures: Sequence[str] = ()
) -> str:
    """Write the text of README.md.

    Args:
        manifest: The corpus.
        frames: Frames of the longest sample, by kind.
        repo: OWNER/NAME on the Hub, "" if it is not published.
        revision: Branch on the Hub.
        pictures: Names of sample pictures in the repository.

    Returns:
        The text: YAML front matter, then Markdown.
    """
    parts = [
        f"# {manifest.name}\n\n{manifest.about or 'A corpus of pseudo-anomaly samples.'}\n\n{INTRODUCTION}",
        "\n".join(_counts(manifest)),
        _samples(pictures),
        "## Load it\n\n" + "\n".join(_loading(manifest, repo, revision)),
        "## Sources and licences\n\n" + "\n".join(_licences(manifest)),
        "## Scenes that were dropped\n\n" + "\n".join(_drops(manifest)) if manifest.drops else "",
        "## Make it again\n\n" + "\n".join(_again(manifest, repo, revision)),
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
made from segmentation data by [LAVIDA-GEN]({PROJECT_URL}); it holds no real anomalies."""


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
        **_licence(manifest),
        "language": ["en"],
        "task_categories": ["image-segmentation", "visual-question-answering"],
        "tags": [
            "video-anomaly-detection",
            "anomaly-segmentation",
            "zero-shot",
            "synthetic",
            "webdataset",
            "lavida-gen",
        ],
        "size_categories": [next(name for limit, name in SIZES if manifest.samples < limit)],
        "source_datasets": ["original" if _drawn(manifest) else "extended"],
        "configs": [{"config_name": kind, "data_files": _files(manifest, kind)} for kind in kinds],
        "dataset_info": [_info(manifest, kind, frames[kind]) for kind in kinds],
    }


def _drawn(manifest: Manifest) -> bool:
    return {source.name for source in used_sources(manifest)} == {"street"}


def used_sources(manifest: Manifest) -> list[SourceEntry]:
    """The sources whose pictures are in a corpus.

    Args:
        manifest: The corpus.

    Returns:
        The sources with samples; all sources of the recipe if an exposure copies pixels from other scenes.
    """
    borrowed = any(_borrows(entry["name"]) for entry in manifest.recipe.get("exposures", ()))
    return [source for source in manifest.sources if source.samples or borrowed]


def _borrows(exposure: str) -> bool:
    if exposure not in plugins.built_in(EXPOSURES):
        return True  # of another package: a card imports no code of others, so it assumes that pixels are copied
    return plugins.find(EXPOSURES, Exposure, exposure).borrows


def _licence(manifest: Manifest) -> dict[str, str]:
    found = {licence.lower() for licence in manifest.licences} | {
        source.licence.lower() for source in used_sources(manifest)
    }
    if len(found) == 1 and found <= set(KNOWN_LICENCES):
        return {"license": found.pop()}
    return {"license": "other", "license_name": "several-see-below"}


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
    for name, count in manifest.splits.items():
        yield f"| {name} | {count:,} |"
    yield f"| shards | {len(manifest.shards):,}, {size / 1e6:,.1f} MB |"
    yield f"| digest | `{manifest.digest}` |"
    yield f"| made by | lavida-gen {manifest.generator}, seed {manifest.seed} |"
    for plugin in manifest.plugins:
        yield _row((f"{plugin.family} `{plugin.name}` is from", f"{plugin.distribution} {plugin.version}"))
    yield "\nNo scene is in both train and val."


def _loading(manifest: Manifest, repo: str, revision: str) -> Iterator[str]:
    kind = sorted({shard.kind for shard in manifest.shards})[0]
    split = _splits(manifest, kind)[-1] if "train" not in _splits(manifest, kind) else "train"
    where = repo or f"corpora/{manifest.name}"
    more = f', revision="{revision}"' if repo and revision != "main" else ""
    yield from ("With [datasets](https://huggingface.co/docs/datasets):\n", "```python")
    yield from ("from datasets import load_dataset\n",)
    for name in sorted({shard.kind for shard in manifest.shards}):
        part = "train" if "train" in _splits(manifest, name) else _splits(manifest, name)[0]
        yield f'{name}s = load_dataset("{where}", "{name}", split="{part}", streaming=True{more})'
    yield from ("```\n", "With [webdataset](https://github.com/webdataset/webdataset):\n", "```python")
    yield from ("import json, fsspec", "import webdataset as wds\n")
    yield f'base = "https://huggingface.co/datasets/{repo}/resolve/{revision}/"' if repo else f'base = "{where}/"'
    yield 'shards = json.load(fsspec.open(base + "corpus.json").open())["shards"]'
    yield f'urls = [base + s["file"] for s in shards if (s["kind"], s["split"]) == ("{kind}", "{split}")]'
    yield 'samples = wds.WebDataset(urls, shardshuffle=False).decode("pil")'
    yield from ("```\n", "Fields of a sample: " + ", ".join(_fields(kind)) + ".")
    if repo:
        yield f"\n`lavida-gen verify hf://datasets/{repo}` reads every byte; `stats`, `preview`, `show` take that too."


def _fields(kind: str) -> list[str]:
    stem, more = ("", "") if kind == "image" else ("000.", " and so on for each frame")
    record = "names, labels, question, answer, boxes and areas per frame, source, exposure, licence, attribution"
    return [f"`{stem}jpg`", f"`{stem}mask.png` (0 or 255; all 0 = normal){more}", f"`json` ({record})"]


def _licences(manifest: Manifest) -> Iterator[str]:
    yield (
        "The samples are under the licences of the pictures that they were made from (where a thing was pasted: of "
        "both); each names its own in `json`.\n"
    )
    yield from ("| source | samples | licence | may be used | attribution |", "|---|---|---|---|---|")
    uses = {"free": "freely", "noncommercial": "not commercially", "forbidden": "not passed on"}
    for source in used_sources(manifest):
        cells = (f"[{source.title}]({source.page})", f"{source.samples:,}", source.licence, uses[source.use],
                 source.attribution)  # fmt: skip
        yield _row(cells)
    yield from ("", "| licence of the picture | samples |", "|---|---|")
    yield from (_row((licence, f"{count:,}")) for licence, count in manifest.licences.items())


def _drops(manifest: Manifest) -> Iterator[str]:
    yield "Scenes that an exposure could not use, and why; another scene was drawn instead.\n"
    yield from ("| exposure: reason | scenes |", "|---|---|")
    yield from (_row((why, f"{count:,}")) for why, count in sorted(manifest.drops.items(), key=lambda i: (-i[1], i[0])))


def _again(manifest: Manifest, repo: str, revision: str) -> Iterator[str]:
    branch = f"@{revision}" if revision != "main" else ""
    recipe = f"hf://datasets/{repo}{branch}" if repo else f"corpora/{manifest.name}"
    places = "".join(f" --set {key}=DIR" for key in missing_paths(manifest.recipe))
    code = " --allow-code" * names_code(manifest.recipe)
    maker = ", with ".join([f"lavida-gen {manifest.generator}", *_packages(manifest)])
    yield f"{maker} makes the same bytes from the same data, with any number of workers:\n"
    yield f"    lavida-gen build --recipe {recipe}{places}{code} --out again\n"
    yield from ("<details><summary>The recipe</summary>\n", "```yaml")
    yield yaml.safe_dump(manifest.recipe, sort_keys=False, allow_unicode=True, width=100).rstrip()
    yield "```\n\n</details>"


def _packages(manifest: Manifest) -> list[str]:
    """The packages that bring plug-ins to the corpus, each once: ``my-package 1.2``."""
    return list(dict.fromkeys(f"{plugin.distribution} {plugin.version}" for plugin in manifest.plugins))


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
