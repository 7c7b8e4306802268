"""`lavida-gen show`."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from lavida_gen.commands._shared import CORPUS, JSON
from lavida_gen.common.console import echo, echo_json
from lavida_gen.common.errors import UserError, problem

PICTURES = (".png", ".jpg", ".jpeg")
"""Suffixes of pictures that can be written."""


@click.command()
@CORPUS
@click.argument("index", type=int)
@click.option(
    "--out", "-o", type=click.Path(path_type=Path), help="The picture, .png or .jpg [default: sample-INDEX.png]."
)
@JSON
def command(corpus: str, index: int, out: Path | None, as_json: bool) -> None:
    """Show one sample: its texts and its picture.

    The picture has the anomaly outlined in red. The last line is the command that makes the sample again.
    """
    from lavida_gen.common.atomic_file import write_atomic
    from lavida_gen.config.recipe import missing_paths, names_code
    from lavida_gen.corpus.reader import open_corpus
    from lavida_gen.inspection.show import encode_picture, sample_picture
    from lavida_gen.storage.output_folder import make_output_folder

    opened = open_corpus(corpus)
    path = out or Path(f"sample-{index}.png")
    if path.suffix.lower() not in PICTURES:
        raise UserError(problem(f"--out {path}", f"suffix {path.suffix!r}", ", ".join(PICTURES)))
    make_output_folder(path.parent)
    sample = next(opened.samples_by_index([index]))
    write_atomic(path, encode_picture(sample_picture(sample), path.suffix))
    places = [argument for key in missing_paths(opened.manifest.recipe) for argument in ("--set", f"{key}=...")]
    code = ["--allow-code"] if names_code(opened.manifest.recipe) else []
    arguments = ["lavida-gen", "build", "--recipe", corpus, *places, *code, "--only", str(index)]
    arguments += ["--out", f"sample-{index}"]
    again = shlex.join(arguments)
    if as_json:
        echo_json({**sample.record, "picture": str(path), "again": again})
        return
    record = sample.record
    anomalies = [name for name, label in zip(record["names"], record["labels"], strict=True) if label]
    for label, text in (
        ("sample", f"{index} ({record['kind']}, {record['split']}, {record['width']} x {record['height']})"),
        ("question", record["question"]), ("answer", record["answer"]),
        ("anomaly", ", ".join(anomalies) or "none of the names listed"),
        ("area", f"{max(record['areas']):.2%} of the frame" + (", at most" if record["kind"] == "clip" else "")),
        ("made of", f"{record['source']} {record['scene']} by {record['exposure']}"),
        ("licence", f"{record['licence']}  {record['attribution']}".rstrip()), ("picture", str(path)), ("again", again),
    ):  # fmt: skip
        echo(f"{label:<9} {text}")
