"""The data set card (README.md) of a corpus: what it is, whose pictures it holds, how to load it."""

from __future__ import annotations

from lavida_gen.manifest import Manifest


def card(manifest: Manifest) -> str:
    """README.md with the `configs:` block by which `datasets` finds splits. No word of the building machine."""
    kinds = sorted({shard.kind for shard in manifest.shards})
    lines = ["---", f"pretty_name: {manifest.name}", "tags:", "- video-anomaly-detection", "- webdataset", "configs:"]
    for kind in kinds:
        lines += [f"- config_name: {kind}", "  data_files:"]
        for split in sorted({shard.split for shard in manifest.shards if shard.kind == kind}):
            lines += [f"  - split: {split}", f"    path: {kind}/{split}-*.tar"]
    lines += ["---", "", f"# {manifest.name}", "", manifest.about or "A corpus of pseudo-anomaly samples.", ""]
    lines += [
        f"{manifest.samples} samples, {manifest.exposed} of them show an anomaly. Digest `{manifest.digest}`.",
        "",
    ]
    lines += ["```python", "from datasets import load_dataset", ""]
    lines += [f'load_dataset("PATH", "{kind}", split="train", streaming=True)' for kind in kinds] + ["```", ""]
    lines += ["| source | samples | licence | use | attribution |", "|---|---|---|---|---|"]
    for source in manifest.sources:
        cells = (
            f"[{source.title}]({source.page})",
            str(source.samples),
            source.licence,
            source.use,
            source.attribution,
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
