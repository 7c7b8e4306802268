"""The kinds of recipes (corpus, run, ablation): where the built-in ones are, and which command takes which kind.

    path = RUN.find("demo")
    raw = RUN.read(path, "demo")

The error for a recipe of another kind names the command that takes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import lavida_gen
from lavida_gen.common.errors import UserError, problem, unknown_name
from lavida_gen.common.json_file import JsonObject
from lavida_gen.recipe_files.reading import read_recipe_file


def recipes_folder() -> Path:
    """The folder of the built-in recipes: inside the wheel, or at the top of a checkout."""
    package = Path(lavida_gen.__path__[0])
    inside = package / "recipes"
    return inside if inside.is_dir() else package.parents[1] / "recipes"


@dataclass(frozen=True, slots=True)
class RecipeKind:
    """One kind of recipe.

    Attributes:
        what: What a recipe of this kind describes, for messages.
        command: The command that takes it.
        lister: The command that lists the built-in ones.
        below: Folder of the built-in ones, below `recipes_folder()`.
        keys: The main keys, for messages.
        own: Keys that no other kind has; a recipe with one of them is of this kind.
    """

    what: str
    command: str
    lister: str
    below: str
    keys: str
    own: frozenset[str]

    def built_in(self) -> dict[str, Path]:
        """Built-in recipes by name."""
        return {path.stem: path for path in sorted((recipes_folder() / self.below).glob("*.yaml"))}

    def find(self, name: str) -> Path:
        """The file of a recipe.

        Args:
            name: Name of a built-in recipe, or path of a file.

        Returns:
            The path.

        Raises:
            UserError: There is no such recipe, or it is of another kind.
        """
        known = self.built_in()
        if name in known:
            return known[name]
        path = Path(name).expanduser()
        if path.is_file():
            return path
        for other in sorted(KINDS, key=lambda kind: kind.lister != self.lister):  # those of the same program first
            if name in other.built_in():
                raise self._refusal(other, name)
        if path.suffix or "/" in name:
            raise UserError(
                problem(name, "no such recipe file", "a YAML file", f"`{self.lister}` lists the built-in ones")
            )
        raise UserError(f"{unknown_name('recipe', name, known)} (a name, or the path of a YAML file)")

    def read(self, path: Path, name: str) -> JsonObject:
        """Read a recipe file.

        Args:
            path: The file.
            name: How the user called it, for messages.

        Returns:
            The mapping in the file, not validated.

        Raises:
            UserError: It cannot be read, or is a recipe of another kind.
        """
        raw = read_recipe_file(path, self.keys)
        self.refuse_others(raw, name)
        return raw

    def refuse_others(self, raw: Mapping[str, object], name: str) -> None:
        """Check that a recipe is not of another kind.

        Args:
            raw: The recipe as read from its file.
            name: How the user called it, for messages.

        Raises:
            UserError: It has a key of another kind and none of this one.
        """
        if self.own.isdisjoint(raw):
            for other in KINDS:
                if not other.own.isdisjoint(raw):
                    raise self._refusal(other, name)

    def _refusal(self, other: RecipeKind, name: str) -> UserError:
        return UserError(f"{name}: this is a recipe of {other.what}: `{other.command} --recipe {name}`")


CORPUS = RecipeKind(
    "a corpus", "lavida-gen build", "lavida-gen recipes", "", "name, samples, sources, exposures",
    frozenset({"sources", "exposures"}),
)  # fmt: skip
RUN = RecipeKind(
    "a run", "lavida-bench run", "lavida-bench recipes", "bench", "name, model, data, fit, score",
    frozenset({"model", "data", "fit", "score"}),
)  # fmt: skip
ABLATION = RecipeKind(
    "an ablation", "lavida-bench ablate", "lavida-bench recipes", "ablation", "name, corpus, arms, run",
    frozenset({"corpus", "arms", "run"}),
)  # fmt: skip
KINDS = (CORPUS, RUN, ABLATION)
