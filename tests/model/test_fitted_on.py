"""What a model was fitted on travels with it: presets, saved models, the Hub's cache, files of strangers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lavida.errors import CheckpointError
from lavida.modeling import Lavida
from lavida.parts.fitted_on import (
    FILE,
    MAX_BYTES,
    UNKNOWN,
    FittedCorpus,
    FittedOn,
    FittedSource,
    PastFit,
    Pictures,
    named_parts,
    read,
    shorten_text,
    write,
)

DRAWINGS = "This model knows drawings only: its scores of real footage mean nothing."


def fit_on(*kinds: tuple[str, Pictures, int], samples: int = 100, share: float = 1.0) -> PastFit:
    sources = tuple(FittedSource(name=name, pictures=pictures, samples=count) for name, pictures, count in kinds)
    return PastFit(
        recipe="r", steps=1, samples=samples, corpora=(FittedCorpus(name="c", share=share, sources=sources),)
    )


@pytest.mark.parametrize(
    ("made", "summary", "notice"),
    [
        (UNKNOWN, "unknown", "Fitted on: unknown; it is not recorded whether this model has seen photographs."),
        (FittedOn(), "nothing", "This model was fitted on nothing: its weights are random."),
        (
            named_parts(["Qwen/Q", Path(__file__)]),
            "pretrained parts Qwen/Q, test_fitted_on.py",
            "This model was fitted on nothing: its projector is random.",
        ),
        (FittedOn().after(fit_on(("street", "drawn", 9))), "drawn 100 %: street", DRAWINGS),
        (
            named_parts(["Qwen/Q"]).after(fit_on(("street", "drawn", 9))),
            "drawn 100 %: street; pretrained parts Qwen/Q",
            "This model was fitted on drawings only, from pretrained parts: check it on real footage first.",
        ),
        (
            FittedOn().after(fit_on(("street", "drawn", 1), ("coco", "photographed", 3))),
            "photographed 75 %, drawn 25 %: street, coco",
            "",
        ),
        (
            FittedOn().after(fit_on(("mine", "unknown", 1), ("street", "drawn", 1))),
            "unknown 50 %, drawn 50 %: mine, street",
            "Fitted on: unknown; it is not recorded whether this model has seen photographs.",
        ),
        (
            UNKNOWN.after(fit_on(("street", "drawn", 1))),
            "drawn 100 %: street; unknown before",
            "Fitted on: unknown; it is not recorded whether this model has seen photographs.",
        ),
        (UNKNOWN.after(fit_on(("coco", "photographed", 1))), "photographed 100 %: coco; unknown before", ""),
        (FittedOn().after(PastFit(recipe="r")), "unknown 100 %", UNKNOWN.notice),
    ],
)
def test_what_is_reported_of_it(made: FittedOn, summary: str, notice: str) -> None:
    assert (made.summary, made.notice) == (summary, notice)


def test_shares_are_of_samples_that_were_drawn() -> None:
    made = FittedOn().after(fit_on(("street", "drawn", 5), samples=300)).after(fit_on(("coco", "photographed", 2)))
    assert made.shares == {"drawn": 0.75, "photographed": 0.25}


def test_it_goes_from_a_preset_to_a_saved_model_and_on(tmp_path: Path) -> None:
    tiny = Lavida.from_preset("tiny")
    assert tiny.fitted_on.notice == DRAWINGS
    assert [fit.recipe for fit in tiny.fitted_on.fits] == ["training/tiny", "tiny-parts"]
    assert Lavida.from_preset("tiny", random=True).fitted_on == FittedOn()
    cached = tmp_path / "models--somebody--tiny"  # as the Hub's client keeps what it has fetched
    folder = cached / "snapshots" / "0123456789abcdef0123456789abcdef01234567"
    tiny.save_pretrained(folder)
    assert Lavida.from_pretrained(folder).fitted_on == tiny.fitted_on
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(folder.name)
    fetched = Lavida.from_pretrained("somebody/tiny", cache_dir=tmp_path, local_files_only=True)
    assert fetched.fitted_on == tiny.fitted_on
    (folder / FILE).unlink()
    older = Lavida.from_pretrained("somebody/tiny", cache_dir=tmp_path, local_files_only=True)
    assert older.fitted_on == Lavida.from_pretrained(folder).fitted_on == UNKNOWN
    tiny.save_pretrained(folder)
    older.save_pretrained(folder)
    assert not (folder / FILE).exists(), "an unknown model has not the record of the one before"


ONE: dict[str, Any] = {"format": 1, "fits": [{"recipe": "r", "corpora": [{"name": "c"}]}]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format: Input should be 1"),
        ({"fits": "all"}, "fits: Input should be a valid array"),
        ({"parts": ["\x1b[31mred"]}, "parts.0: String should match"),
        ({"parts": ["abc\N{RIGHT-TO-LEFT OVERRIDE}"]}, "parts.0: String should match"),
        ({"parts": ["a" * 301]}, "parts.0: String should have at most 300 characters"),
        ({"parts": ["a"] * 1001}, "parts: Tuple should have at most 1000 items"),
        ({"complete": 1}, "complete: Input should be a valid boolean"),
        ({"fits": [{"recipe": "r", "steps": -1}]}, "fits.0.steps: Input should be greater than or equal to 0"),
        ({"fits": [{"recipe": "r", "samples": 2**63}]}, "fits.0.samples: Input should be less than"),
        (
            {"fits": [{"recipe": "r", "corpora": [{"name": "c", "share": float("nan")}]}]},
            "share: Input should be a fin",
        ),
        ({"fits": [{"recipe": "r", "corpora": [{"name": "c", "share": 1e9}]}]}, "share: Input should be less than"),
    ],
)
def test_a_file_of_somebody_else(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    (tmp_path / FILE).write_text(json.dumps(ONE | {"later": [1]}), "utf-8")
    assert read(tmp_path).fits[0].corpora[0].name == "c"
    (tmp_path / FILE).write_text(json.dumps(ONE | change), "utf-8")
    with pytest.raises(CheckpointError) as refused:
        read(tmp_path)
    text = str(refused.value)
    assert text.startswith(f"{tmp_path / FILE}: ")
    assert message in text
    assert text.endswith("expected what `fit` writes; remove it: the model then counts as fitted on what is unknown")
    assert text.isprintable()


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[" * 200_000, b'{"format": 1, "fits": null}', b""])
def test_a_damaged_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"fitted_on\.json: .+; remove it: the model then counts"):
        read(tmp_path)


def test_a_huge_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(
        CheckpointError, match=r"fitted_on\.json: 1,000,001 bytes; expected at most 1,000,000; remove it"
    ):
        read(tmp_path)


def test_texts_of_strangers_become_lines(tmp_path: Path) -> None:
    strange = "a\nb\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}\ud800\u2028" + "x" * 400
    write(tmp_path, FittedOn().after(PastFit(recipe=shorten_text(strange))))
    assert read(tmp_path).fits[0].recipe == "a b [31m   " + "x" * 289
