"""One wrong fact at a time, with digests that fit: `verify` computes it again and names it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from test_verify import Fields, edit, rewrite_shard

from lavida_gen.building import build as builder
from lavida_gen.cli import main
from lavida_gen.common.errors import DataError
from lavida_gen.config import recipe as recipes
from lavida_gen.corpus.reader import open_corpus
from lavida_gen.corpus.shards import size_and_sha256
from lavida_gen.inspection.stats import count_corpus
from lavida_gen.inspection.verify import find_problems, verify_corpus

Plain = dict[str, Any]
PLAIN: Plain = {
    "name": "planted",
    "about": "Made to be changed.",
    "samples": 14,
    "val": 0.25,
    "shard": {"samples": 5},
    "sources": [
        {"name": "street", "scenes": 12, "size": [96, 128], "weight": 2},
        {"name": "street", "scenes": 9, "size": [96, 96], "kind": "clip", "frames": 2, "seed": 5},
    ],
    "exposures": ["relabel", "absent"],
    "names_per_prompt": 5,
}
AS_STATED = "as the records in the shards state"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("planted") / "corpus"
    builder.build(recipes.parse(json.loads(json.dumps(PLAIN))), out)
    report = verify_corpus(open_corpus(out))
    assert (report.problems, report.notes) == ([], [])
    return out


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "c"))


def change_manifest(corpus: Path, change: Callable[[Plain], object]) -> None:
    plain = json.loads((corpus / "corpus.json").read_text())
    change(plain)
    (corpus / "corpus.json").write_text(json.dumps(plain))


def sign(corpus: Path) -> None:
    """Write the digests of all files into corpus.json."""

    def entries(plain: Plain) -> None:
        for entry in (*plain["shards"], *plain["files"]):
            entry["bytes"], entry["sha256"] = size_and_sha256(corpus / entry["file"])

    change_manifest(corpus, entries)


def problems_of(corpus: Path) -> list[str]:
    return find_problems(open_corpus(corpus))


def put(path: str, value: object) -> Callable[[Plain], None]:
    """Set one value: ``sources.0.use``."""

    def change(plain: Any) -> None:
        *parents, last = (int(step) if step.isdigit() else step for step in path.split("."))
        for step in parents:
            plain = plain[step]
        plain[last] = value

    return change


MANIFEST = [
    ("samples", 15, "corpus.json: samples is 15; expected 14, as the records"),
    ("exposed", 0, "corpus.json: exposed is 0; expected "),
    ("splits", {"image/train": 14}, "corpus.json: splits is {'image/train': 14}; expected {"),
    ("licences", {"MIT": 14}, "corpus.json: licences is {'MIT': 14}; expected {'CC0-1.0': 14}, as the records"),
    ("evidence", {"verified": 1}, "corpus.json: evidence is {'verified': 1}; expected {"),
    ("scenes", 3, "corpus.json: scenes is 3; expected "),
    ("sources.0.samples", 3, "corpus.json: samples of sources[0] (street) is 3; expected 14, as the records"),
    ("sources.0.evidence", {}, "corpus.json: evidence of sources[0] (street) is {}; expected {"),
    ("sources.0.name", "coco", "corpus.json: names of sources is ['coco']; expected ['street'], as its recipe states"),
    ("sources.0.fingerprint", "a b", "corpus.json: digest is '"),
    ("sources.0.licence", "MIT", "sources[0] (street): licence is 'MIT'; expected 'CC0-1.0', as the source states"),
    ("sources.0.attribution", "me", "sources[0] (street): attribution is 'me'; expected 'drawn by LAVIDA-GEN', as"),
    (
        "sources.0.use",
        "noncommercial",
        "7 samples of source street made by absent with use 'free'; expected 'noncommercial', as corpus",
    ),
    ("recipe.names_per_prompt", 6, "corpus.json: digest of its recipe is '"),
    ("recipe.val", 0.5, "corpus.json: samples of image/val is 2; expected "),
    ("recipe.exposures", [{"name": "swap"}], "of exposure 'relabel'; expected one of the recipe's: swap"),
    ("recipe.sources", [{"name": "coco"}], "14 samples of source 'street'; expected one of the recipe's: coco"),
    ("seed", 7, "corpus.json: seed is 7; expected 0, as the records of 14 samples state"),
    ("seed", 7, "corpus.json: seed is 7; expected 0, as its recipe states"),
    ("name", "other", "corpus.json: name is 'other'; expected 'planted', as its recipe states"),
    ("about", "", "corpus.json: about is ''; expected 'Made to be changed.', as its recipe states"),
    ("generator", "9.9", "corpus.json: generator is '9.9'; expected "),
    ("digest", "0" * 64, "expected '{}', computed from format, generator, recipe, fingerprints"),
    ("toolchains.0.lavida-gen", "9.9", "corpus.json: lavida-gen of toolchains[0] is '9.9'; expected "),
    ("shards.1.toolchain", 4, "corpus.json: toolchain 4 of image/train-00001.tar (1 shard); expected a place in its"),
    ("shards.1.first", 4, "corpus.json: shards[1] is {'file': 'image/train-00001.tar', 'first': 4}; expected {"),
    ("shards.0.samples", 4, "image/train-00000.tar: holds 5 samples; expected 4 from 0 on, as in corpus.json"),
    ("shards.0.split", "val", "image/train-00000.tar: sample 000000000: is image/train; expected image/val"),
    ("files.1.role", "preview", "corpus.json: roles of files is {"),
    (
        "plugins",
        [{"family": "source", "name": "x", "distribution": "x", "version": "1"}],
        "corpus.json: plugins: source 'x' is not in its recipe; expected plug-ins that the recipe uses",
    ),
]


@pytest.mark.parametrize(("key", "value", "message"), MANIFEST, ids=[f"{row[0]}-{n}" for n, row in enumerate(MANIFEST)])
def test_a_wrong_value_in_the_manifest(copy: Path, key: str, value: object, message: str) -> None:
    digest = open_corpus(copy).manifest.digest
    change_manifest(copy, put(key, value))
    found = problems_of(copy)
    assert any(message.replace("{}", digest if key == "digest" else "{}") in text for text in found), found


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda plain: plain["toolchains"].append({"numpy": "1"}), "toolchains[1] made no shard"),
        (lambda plain: plain["files"].pop(), "corpus.json: roles of files is {"),
        (lambda plain: plain["files"].append(plain["files"][0]), "corpus.json: files: one is listed twice"),
        (lambda plain: plain["shards"].reverse(), "corpus.json: shards[0] is {"),
        (lambda plain: plain["shards"].append(plain["shards"][-1]), "corpus.json: shards[5] is {'file': 'clip/val-00"),
        (
            lambda plain: plain["shards"].append({**plain["shards"][-1], "samples": 0}),
            "corpus.json: shards[5]: clip/val-00000.tar is one too many; expected the ranges of its recipe",
        ),
        (lambda plain: plain["shards"].pop(0), "image/train-00000.tar: is not in corpus.json, but `datasets` reads it"),
        (lambda plain: plain["sources"].append({**plain["sources"][0], "name": "coco"}), "names of sources is ["),
        (
            lambda plain: plain["recipe"]["shard"].update(samples=4),
            "corpus.json: shards[0]: image/train-00000.tar has 5",
        ),
    ],
)
def test_a_wrong_list_in_the_manifest(copy: Path, change: Callable[[Plain], object], message: str) -> None:
    change_manifest(copy, change)
    found = problems_of(copy)
    assert any(message in text for text in found), found


def turned(record: Plain) -> Plain:
    """An exposed sample as a normal one, and the other way round, in its record alone."""
    labels = [not record["exposed"]] + [False] * (len(record["names"]) - 1)
    evidence = ["annotated" if label else "verified" for label in labels]
    return {"exposed": not record["exposed"], "labels": labels, "evidence": evidence}


RECORDS: list[tuple[Callable[[Plain], Plain], str]] = [
    (lambda r: {"use": "noncommercial"}, "with use 'noncommercial'; expected 'free', as corpus.json states for the"),
    (lambda r: {"licence": "MIT"}, "corpus.json: licences is {'CC0-1.0': 14}; expected {"),
    (lambda r: {"source": "coco"}, "5 samples of source 'coco'; expected one of the recipe's: street"),
    (lambda r: {"exposure": "swap"}, "5 samples of exposure 'swap'; expected one of the recipe's: absent, relabel"),
    (lambda r: {"recipe": "0" * 64}, f"expected '{'0' * 64}', as the records of 5 samples state"),
    (lambda r: {"seed": 3}, "corpus.json: seed is 0; expected 3, as the records of 5 samples state"),
    (lambda r: {"generator": "9"}, "expected '9', as the records of 5 samples state"),
    (lambda r: {"key": "1"}, "its key is '1'; expected '000000000', its number"),
    (lambda r: {"areas": [0.5]}, "of its frame; its record states 0.5"),
    (lambda r: {"boxes": [[0, 0, 1, 1]]}, "mask 0 does not fill its box [0, 0, 1, 1]"),
    (lambda r: {"question": f"Is there {', '.join(r['names'])}?"}, "its question is none of the recipe's prompts with"),
    (lambda r: {"rule": "No dogs."}, "its question is none of the recipe's prompts with its rule and names"),
    (lambda r: {"answer": "Here: <SEG>."}, "its answer is none of the recipe's prompts"),
    (turned, "by seed and anomaly_ratio of the recipe it "),
    (
        lambda r: {"evidence": ["unannotated" if name == "verified" else name for name in r["evidence"]]},
        "evidence is {",
    ),
    (lambda r: {"scene": "street/elsewhere"}, "corpus.json: scenes is "),
    (lambda r: {"index": r["index"] + 1}, "holds 5 samples; expected 5 from 0 on, as in corpus.json"),
]


@pytest.mark.parametrize(("change", "message"), RECORDS)
def test_a_wrong_value_in_the_records(copy: Path, change: Callable[[Plain], Plain], message: str) -> None:
    def replaced(key: str, fields: Fields) -> None:
        record = json.loads(fields["json"])
        fields["json"] = json.dumps({**record, **change(record)}).encode()

    rewrite_shard(copy / "image" / "train-00000.tar", replaced)
    rows = [row for entry in open_corpus(copy).manifest.shards for row in rows_of(copy, entry.file)]
    write_rows(copy, rows)
    sign(copy)
    found = problems_of(copy)
    assert any(message in text for text in found), found
    assert not any(text.startswith("stats.parquet") for text in found), "its rows follow the records"


def rows_of(corpus: Path, file: str) -> list[Plain]:
    from lavida_gen.corpus.schema import sample_row
    from lavida_gen.corpus.shards import read_shard

    return [dict(sample_row(sample.record, file)) for sample in read_shard(corpus / file)]


def write_rows(corpus: Path, rows: list[Plain]) -> None:
    schema = pq.read_schema(corpus / "stats.parquet")
    pq.write_table(pa.Table.from_pylist(rows, schema), corpus / "stats.parquet")


COLUMNS = ["answer", "areas", "boxes", "exposed", "fps", "seed", "labels", "originals", "shard", "anomalies", "area"]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_wrong_value_in_the_statistics(copy: Path, column: str) -> None:
    rows = open_corpus(copy).rows()
    old = rows[3][column]
    other: dict[type, Any] = {str: "other", bool: not old, float: 0.25, int: 5, list: old}
    values = {"areas": [0.125], "boxes": [[0, 0, 2, 2]], "labels": [True] * len(rows[3]["names"]),
              "originals": ["x"] * len(rows[3]["names"]), "anomalies": ["x"]}  # fmt: skip
    rows[3][column] = values.get(column, other[type(old)])
    write_rows(copy, rows)
    sign(copy)
    (found,) = problems_of(copy)
    assert found.startswith(f"stats.parquet: row 3: {column} is ")
    assert found.endswith(", as its record states")


def swapped(rows: list[Plain]) -> None:
    rows[0], rows[1] = rows[1], rows[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.pop(), "has 13 rows; expected 14, one for each sample"),
        (lambda rows: rows.append(rows[0]), "has 15 rows; expected 14, one for each sample"),
        (swapped, "row 0: index is 1; expected 0, as its record states"),
        (lambda rows: rows[0].update(split=None), "column 'split' has missing values"),
        (lambda rows: rows[0].update(labels=[None]), "column 'labels' has missing values"),
        (
            lambda rows: rows[0].update(labels=[True] * 99),
            "row 0: lists of different lengths or empty ones: names, labels",
        ),
        (lambda rows: rows[0].update(areas=[]), "row 0: lists of different lengths or empty ones: boxes, areas"),
        (lambda rows: rows[0].update(areas=[7.0]), "row 0: an area is no share of a frame from 0 to 1"),
    ],
)
def test_statistics_of_another_form(copy: Path, change: Callable[[list[Plain]], None], message: str) -> None:
    rows = open_corpus(copy).rows()
    change(rows)
    write_rows(copy, rows)
    sign(copy)
    found = problems_of(copy)
    assert any(message in text for text in found), found
    if "row 0: index" not in message:
        with pytest.raises(DataError, match=message.removeprefix("row 0: ").partition(";")[0].partition(": ")[0]):
            count_corpus(open_corpus(copy))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda table: table.append_column("more", [["x"] * 14]),
            "stats.parquet: has 1 column more; expected the keys",
        ),
        (lambda table: table.drop_columns(["split"]), "(no column 'split')"),
        (lambda table: table.drop_columns(["evidence"]), "(no column 'evidence')"),  # format 1 has none
        (lambda table: table.set_column(0, "answer", [[1] * 14]), "(column 'answer' has type int64, not string)"),
    ],
)
def test_statistics_of_other_columns(copy: Path, change: Callable[[pa.Table], pa.Table], message: str) -> None:
    pq.write_table(change(pq.read_table(copy / "stats.parquet")), copy / "stats.parquet")
    sign(copy)
    found = problems_of(copy)
    assert any(message in text for text in found), found


@pytest.mark.parametrize(("old", "new"), [("CC0-1.0", "MIT"), ("drawn by LAVIDA-GEN", "me"), ("freely", "for money")])
def test_a_wrong_licence_file(copy: Path, old: str, new: str) -> None:
    text = (copy / "LICENSE").read_text()
    assert old in text
    (copy / "LICENSE").write_text(text.replace(old, new))
    sign(copy)
    found = problems_of(copy)
    assert any(text.startswith("LICENSE: misses a line; expected '") and old in text for text in found), found
    assert any(text.startswith("LICENSE: has the line '") and new in text for text in found), found


@pytest.mark.parametrize(
    "field", ["question.txt", "names.txt", "evidence.txt", "source.txt", "exposed.cls", "area.txt"]
)
def test_a_wrong_preview(copy: Path, field: str) -> None:
    def other(key: str, fields: Fields) -> None:
        if key == "000000002":
            fields[field] = b"other"

    rewrite_shard(copy / "preview" / "train-00000.tar", other)
    sign(copy)
    (found,) = problems_of(copy)
    assert found.startswith(f"preview/train-00000.tar: sample 000000002: {field} is b'other'; expected ")


def test_a_preview_of_another_sample_or_of_no_picture(copy: Path) -> None:
    def renamed(key: str, fields: Fields) -> str:
        return "elsewhere" if key == "000000002" else key

    preview = copy / "preview" / "train-00000.tar"
    rewrite_shard(preview, renamed)
    sign(copy)
    assert problems_of(copy) == ["preview/train-00000.tar: sample 'elsewhere' is not in the corpus"]
    rewrite_shard(preview, lambda key, fields: fields.update(jpg=b"no"))
    sign(copy)
    (found,) = problems_of(copy)
    assert found.startswith("preview/train-00000.tar: sample 000000000: is not a readable image")


def test_fields_of_no_sample(copy: Path) -> None:
    rewrite_shard(copy / "image" / "train-00000.tar", lambda key, fields: fields.update({"run.sh": b"rm"}))
    sign(copy)
    found = problems_of(copy)
    assert len(found) == 5
    assert "sample 000000000: has a field 'run.sh'; expected pictures, masks and json only" in found[0]


def test_leftovers_are_named(copy: Path) -> None:
    for name in ("image/train-00000.tar.partial-1", ".build/plan.json", "samples/000000001.jpg", "samples/run.sh", "x"):
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).touch()
    report = verify_corpus(open_corpus(copy))
    assert report.problems == []
    assert report.notes == [
        ".build/plan.json: is left of a build; the same build removes it",
        "image/train-00000.tar.partial-1: is a part of a file, left by a killed process; remove it",
        "samples/run.sh: is not part of the corpus",
        "x: is not part of the corpus",
    ]


def test_every_problem_of_a_record_is_reported_not_only_the_first(copy: Path) -> None:
    def two(key: str, fields: Fields) -> None:
        if key == "000000001":
            edit(labels=[], answer="no")(key, fields)
        if key == "000000003":
            fields["jpg"] = b"no"

    rewrite_shard(copy / "image" / "train-00000.tar", two)
    sign(copy)
    found = problems_of(copy)
    assert any("sample 000000001: " in text and " and 0 labels" in text for text in found)
    assert any("sample 000000003: frame 0: is not a readable image" in text for text in found)


def test_the_command_states_what_digests_do_not_show() -> None:
    text = " ".join(CliRunner().invoke(main, ["verify", "--help"]).output.split())
    assert "somebody who rewrites shards and corpus.json together is not detected" in text
    assert "--trust-sources" in text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": None}, "its json does not have the keys of a sample record: split missing"),
        ({"edits": [[0, 0, 10**12, 1]]}, "is not within 128 x 96"),
        ({"labels": []}, " and 0 labels"),
        ({"frames": 10**10, "kind": "clip"}, "10,000,000,000 frames and 1 boxes"),
        ({"areas": []}, "1 frame and 0 areas"),
    ],
)
@pytest.mark.parametrize("verb", ["preview", "show", "verify"])
def test_a_strange_record_is_one_error_for_every_verb(
    copy: Path, monkeypatch: pytest.MonkeyPatch, verb: str, changes: Plain, message: str
) -> None:
    def strange(key: str, fields: Fields) -> None:
        record = {**json.loads(fields["json"]), **changes}
        fields["json"] = json.dumps({name: value for name, value in record.items() if value is not None}).encode()

    rewrite_shard(copy / "image" / "train-00000.tar", strange)
    sign(copy)
    monkeypatch.chdir(copy.parent)
    done = CliRunner().invoke(main, [verb, "c", *(["0"] if verb == "show" else [])])
    assert done.exit_code == 1
    assert "sample 000000000: " in done.output
    assert message in done.output
    assert isinstance(done.exception, SystemExit), "an error, no traceback"
