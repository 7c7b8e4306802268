"""Lists and descriptions of sources, exposures and recipes, as text and as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from lavida_gen.common import plugins
from lavida_gen.common.console import terminal_width
from lavida_gen.common.errors import UserError
from lavida_gen.common.input_file import MAX_TEXT, read_text
from lavida_gen.common.resources import own_text
from lavida_gen.common.text import text_table
from lavida_gen.config.recipe import EXPOSURES, SOURCES
from lavida_gen.exposures._base import Exposure
from lavida_gen.recipe_files.kinds import CORPUS, RecipeKind
from lavida_gen.sources._base import Source

USES = {
    "free": "allowed",
    "noncommercial": "non-commercial only",
    "forbidden": "not allowed",
}
"""Whether samples of a source may be published, by `SourceInfo.use`."""
INDENT = 2  # spaces before each line of a part of a description


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer in two forms.

    Attributes:
        text: For people.
        plain: The same as plain JSON.
    """

    text: str
    plain: Mapping[str, object]


def unusable_plugins(package: str, base: Callable[..., object]) -> dict[str, str]:
    """Entry points of installed packages that cannot be used, with the reason, by name.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.
        base: The class that its plug-ins derive from.
    """
    reasons = {}
    for name, brought in plugins.hidden(package).items():
        reasons[f"{name} of {brought}"] = "has the name of a built-in one: rename the entry point"
    for name in plugins.names(package):
        try:
            plugins.find(package, base, name)
        except UserError as error:
            reasons[name] = str(error)
    return reasons


def list_footer(reasons: dict[str, str], hint: str) -> str:
    """The lines below a list: plug-ins that cannot be used, then a hint.

    Args:
        reasons: Why a plug-in cannot be used, by name.
        hint: The last line.
    """
    lines = [f"cannot be used: {name}: {reason}" for name, reason in reasons.items()]
    return "\n".join(["", "", *lines, hint])


def list_sources() -> Listing:
    """All sources, one line each."""
    rows, reasons = {}, unusable_plugins(SOURCES, Source)
    for name in plugins.names(SOURCES):
        if name in reasons:
            continue
        about = plugins.find(SOURCES, Source, name).about
        row = {"title": about.title, "licence": about.licence, "use": about.use, "page": about.page}
        rows[name] = {**row, "from": plugins.origin(SOURCES, name)}
    cells = [(name, row["from"], USES[row["use"]], row["title"]) for name, row in rows.items()]
    table = text_table(cells, ("name", "from", "publishing samples", "what it is"), terminal_width())
    hint = "`lavida-gen sources NAME` prints how to get one and its folder layout."
    return Listing(table + list_footer(reasons, hint), rows)


def describe_source(name: str, allow_code: bool = False) -> Listing:
    """One source: how to get it, its licence, layout and options.

    Args:
        name: Name of the source, or ``package.module:Class``.
        allow_code: Whether the latter is imported.

    Raises:
        UserError: The name is unknown.
    """
    cls = plugins.find(SOURCES, Source, name, allow_code)
    about = cls.about
    text = [
        f"{name}: {about.title}",
        f"page         {about.page}",
        f"licence      {about.licence} (publishing its samples: {USES[about.use]})",
        f"attribution  {about.attribution}",
        f"pictures     {about.pictures}",
        "",
        "How to get it",
        _indent(about.get),
        "",
        "Layout of its folder",
        _indent(about.layout),
        "",
        "Options in a recipe",
        _indent(describe_options(cls.Options)),
    ]
    if about.cite:
        text += ["", "Cite", _indent(about.cite)]
    return Listing("\n".join(text), {"name": name, **asdict(about), "options": cls.Options.model_json_schema()})


def list_exposures() -> Listing:
    """All exposures, one line each."""
    rows, reasons = {}, unusable_plugins(EXPOSURES, Exposure)
    for name in plugins.names(EXPOSURES):
        if name in reasons:
            continue
        cls = plugins.find(EXPOSURES, Exposure, name)
        rows[name] = {
            "outcome": "anomaly" if cls.outcomes == {True} else "normal" if cls.outcomes == {False} else "either",
            "kinds": sorted(cls.kinds),
            "about": (inspect.getdoc(cls) or "").split("\n")[0],
            "from": plugins.origin(EXPOSURES, name),
        }
    cells = [
        (name, str(row["from"]), str(row["outcome"]), "/".join(row["kinds"]), str(row["about"]))
        for name, row in rows.items()
    ]
    table = text_table(cells, ("name", "from", "shows", "works on", "what it does"), terminal_width())
    hint = "`lavida-gen exposures NAME` prints what one does and its options."
    return Listing(table + list_footer(reasons, hint), rows)


def describe_exposure(name: str, allow_code: bool = False) -> Listing:
    """One exposure: what it does, and its options.

    Args:
        name: Name of the exposure, or ``package.module:Class``.
        allow_code: Whether the latter is imported.

    Raises:
        UserError: The name is unknown.
    """
    cls = plugins.find(EXPOSURES, Exposure, name, allow_code)
    module = (inspect.getdoc(inspect.getmodule(cls)) or "").partition("Letters:")[0]  # of array shapes in its code
    about = f"{inspect.getdoc(cls) or ''}\n\n{module}".strip()
    text = f"{name}\n\n{_indent(about)}\n\nOptions in a recipe\n{_indent(describe_options(cls.Options))}"
    return Listing(text, {"name": name, "about": about, "options": cls.Options.model_json_schema()})


def list_recipes(*kinds: RecipeKind) -> Listing:
    """The built-in recipes, one line each.

    Args:
        kinds: Their kinds; recipes of corpora if none is given.
    """
    chosen = kinds or (CORPUS,)
    rows = {}
    for kind in chosen:
        for name, path in kind.built_in().items():
            about = next((line[6:] for line in own_text(path).splitlines() if line.startswith("about:")), "")
            rows[name] = {"about": about.strip(" \"'"), "file": path.name, "command": kind.command}
    cells = [(name, str(row["about"]), *([row["command"]] if len(chosen) > 1 else [])) for name, row in rows.items()]
    table = text_table(cells, width=terminal_width())
    return Listing(f"{table}\n\n`{chosen[0].lister} NAME` prints one, to copy and change.", rows)


def describe_recipe(name: str, *kinds: RecipeKind) -> Listing:
    """The text of a recipe.

    Args:
        name: Name of a built-in recipe, or a path.
        kinds: Kinds in the order in which the name is looked up; recipes of corpora if none is given.

    Raises:
        UserError: There is no such recipe.
    """
    chosen = kinds or (CORPUS,)
    kind = next((kind for kind in chosen if name in kind.built_in()), chosen[0])
    text = read_text(kind.find(name), MAX_TEXT, "a recipe")
    return Listing(text.rstrip("\n"), {"name": name, "text": text})


def describe_options(model: type[BaseModel]) -> str:
    """The options of a plug-in, one line each: name, default as YAML, description.

    Args:
        model: The pydantic model of the options.
    """
    rows = []
    for name, field in model.model_fields.items():
        default = "" if field.is_required() else _yaml(field.get_default(call_default_factory=True))
        usual = f"default {default}" if default else ""
        rows.append((name, "required" if field.is_required() else usual, field.description or ""))
    width = terminal_width()
    return text_table(rows, width=None if width is None else width - INDENT) or "none"


def _yaml(value: object) -> str:
    """A default as it is written in a recipe, "" for None."""
    if value is None:
        return ""
    text = yaml.safe_dump(to_jsonable_python(value), default_flow_style=True, width=1000, allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _indent(text: str) -> str:
    return "\n".join(" " * INDENT + line if line.strip() else "" for line in text.strip("\n").splitlines())
