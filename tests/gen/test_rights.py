"""A user's own files are published under what the recipe says of them, and not at all where it says nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from miniatures import folder

from lavida_gen.errors import UserError
from lavida_gen.manifest import SourceEntry
from lavida_gen.outline import Outline
from lavida_gen.plan import Deck
from lavida_gen.recipe import parse

OWN = {"licence": "CC-BY-4.0", "use": "free", "attribution": "The museum"}


def sources(*entries: dict[str, Any]) -> list[SourceEntry]:
    """What a corpus says of the data sets of a recipe."""
    plain = {"name": "own", "samples": 4, "sources": list(entries), "exposures": ["relabel", "absent"]}
    return Outline.of(Deck.open(parse(plain, "own.yaml"))).sources


def entry(root: Path, **more: Any) -> dict[str, Any]:
    plain = {key: str(value) if isinstance(value, Path) else value for key, value in folder.draw(root).items()}
    return {"name": "folder", **plain, **more}


def test_nothing_said_is_not_passed_on(tmp_path: Path) -> None:
    (one,) = sources(entry(tmp_path))
    assert one.use == "forbidden"


def test_what_the_recipe_says_holds(tmp_path: Path) -> None:
    (one,) = sources(entry(tmp_path, **OWN))
    assert (one.licence, one.use, one.attribution) == ("CC-BY-4.0", "free", "The museum")


def test_of_two_folders_the_stricter_use_holds_and_both_are_named(tmp_path: Path) -> None:
    other = {"licence": "CC-BY-NC-4.0", "use": "noncommercial", "dataset": "other"}
    (one,) = sources(entry(tmp_path / "a", **OWN), entry(tmp_path / "b", **other))
    assert one.use == "noncommercial"
    assert one.licence == "CC-BY-4.0 and CC-BY-NC-4.0"
    assert one.attribution == "The museum and the owner of the files"


def test_two_folders_of_one_owner_are_told_once(tmp_path: Path) -> None:
    (one,) = sources(entry(tmp_path / "a", **OWN), entry(tmp_path / "b", **OWN, dataset="other"))
    assert one.licence == "CC-BY-4.0"


@pytest.mark.parametrize("lacks", ["licence", "use"])
def test_a_licence_without_its_use_is_refused(tmp_path: Path, lacks: str) -> None:
    half = {key: value for key, value in OWN.items() if key != lacks}
    with pytest.raises(UserError, match="`licence` and `use` go together"):
        sources(entry(tmp_path, **half))
