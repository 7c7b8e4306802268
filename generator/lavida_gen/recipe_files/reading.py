"""Recipe files: strict YAML, settings such as `key.path=value`, environment variables, validation messages.

Recipes of corpora, runs and ablations share this. `${NAME}` and `${NAME:-default}` are replaced by the environment
variable where a place on this machine is meant, and nowhere else.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from lavida_gen.common.errors import DataError, LavidaGenError, UserError, problem, suggestion, validation_text
from lavida_gen.common.input_file import MAX_TEXT, read_text
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.text import counted
from lavida_gen.common.yaml_text import load_yaml


class _Loader(yaml.SafeLoader):
    """YAML that refuses duplicate keys, of which the standard loader keeps the last one."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.MarkedYAMLError(problem="a key that is a list or a mapping", problem_mark=key.start_mark)
        if key.value in seen:
            raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark)
        seen.add(key.value)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_recipe_file(path: Path, keys: str) -> JsonObject:
    """Read a recipe file.

    Args:
        path: A YAML file.
        keys: The keys that are expected, for messages.

    Returns:
        The mapping in the file, not validated.

    Raises:
        UserError: The file cannot be read, is not valid YAML, or does not hold a mapping.
    """
    try:
        raw = load_yaml(read_text(path, MAX_TEXT, "a YAML file"), _Loader)
    except DataError as error:
        raise UserError(str(error)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(problem(place, f"invalid YAML: {error.problem}")) from error
    except yaml.YAMLError as error:
        raise UserError(problem(path, f"invalid YAML: {error}")) from error
    if not isinstance(raw, dict):
        got = "is empty" if raw is None else f"holds a {type(raw).__name__}"
        raise UserError(problem(path, got, f"a mapping with {keys}"))
    return raw


def apply_setting(raw: JsonObject, setting: str) -> Iterator[str]:
    """Apply one `--set` to a recipe, in place.

    Args:
        raw: The recipe as read from its file.
        setting: ``sources.0.root=/data/coco``; the value is YAML.

    Yields:
        Error messages; the recipe is unchanged if there is one.
    """
    key, equals, text = setting.partition("=")
    if not equals or not key:
        yield f"--set {setting}: expected key.path=value, e.g. sources.0.root=/data/coco"
        return
    try:
        value = load_yaml(text, _Loader)
    except yaml.YAMLError as error:
        yield f"--set {setting}: the value is not valid YAML ({error})"
        return
    parent: Any = raw
    *path, last = key.split(".")
    for step in path:
        try:
            parent = parent[int(step)] if isinstance(parent, list) else parent.setdefault(step, {})
        except (ValueError, IndexError, AttributeError):
            yield f"--set {setting}: the recipe has no {step!r} in {key!r}"
            return
    try:
        if isinstance(parent, list):
            parent[int(last)] = value
        else:
            parent[last] = value
    except (ValueError, IndexError, TypeError):
        yield f"--set {setting}: the recipe has no {last!r} in {key!r}"


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_OWN_URL = re.compile(r"\$\{\w+(:-[^}]*)?\}[^$]*")
"""A URL whose server is in the variable itself or in its default: no variable goes to a server of somebody else."""


def expand_variables(raw: JsonObject, problems: list[str], is_local: Callable[[str], bool]) -> JsonObject:
    """Replace `${NAME}` and `${NAME:-default}` in the texts of a recipe that name something on this machine.

    Args:
        raw: The recipe as read from its file.
        problems: Receives a message for each variable that is not set and has no default, or that stands elsewhere.
        is_local: Whether the text at a place such as ``sources[0].root`` names something on this machine and is not
            published: other texts could carry a secret of the environment (`${HF_TOKEN}`) into a corpus.

    Returns:
        A copy with the variables replaced.
    """
    return {key: _expanded(value, str(key), problems, is_local) for key, value in raw.items()}


def _expanded(value: object, place: str, problems: list[str], is_local: Callable[[str], bool]) -> object:
    if isinstance(value, dict):
        return {key: _expanded(inner, f"{place}.{key}", problems, is_local) for key, inner in value.items()}
    if isinstance(value, list):
        return [_expanded(inner, f"{place}[{number}]", problems, is_local) for number, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    if not is_local(place):
        for match in _VARIABLE.finditer(value):
            problems.append(f"{place}: {match[0]} is not replaced here; variables stand in paths of this machine only")
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in os.environ and default is None:
            dotted = place.replace("[", ".").replace("]", "")
            problems.append(f"{place}: ${{{name}}} is not set; export {name}=... or give --set {dotted}=...")
        return os.environ.get(name, default or f"${{{name}}}")

    expanded = _VARIABLE.sub(replace, value)
    if "://" in expanded and expanded != value and not _OWN_URL.fullmatch(value):
        problems.append(f"{place}: {value!r} would send a variable to a server; expected a path, or ${{NAME}} in front")
    return expanded


def combined_error(where: str, problems: Sequence[str], family: type[LavidaGenError] = UserError) -> LavidaGenError:
    """One error for several problems.

    Args:
        where: Name of the recipe or command.
        problems: Messages; duplicates are listed once.
        family: Class of the error.

    Returns:
        The error, to be raised.
    """
    unique = list(dict.fromkeys(problems))
    return family(f"{where}: {counted(len(unique), 'problem')}\n" + "\n".join(f"  {line}" for line in unique))


KeyPath = tuple[int | str, ...]
"""Keys and list indices from the top of a recipe to a value."""


def validation_messages(
    error: ValidationError,
    place: str,
    model: type[BaseModel],
    owner: str = "a recipe",
    extra: set[str] | None = None,
    hint: Callable[[KeyPath], str] = lambda loc: "",
) -> Iterator[str]:
    """A message for each error that pydantic found.

    Args:
        error: pydantic's exception.
        place: Key of the validated part in the recipe, "" for the whole recipe.
        model: The model that was validated.
        owner: Who has the options of `model`, for messages: ``a recipe``, ``coco``.
        extra: Valid keys that are not fields of the model.
        hint: Gives a suggestion for an unknown key at a path; "" for the usual one, a key of a similar name.

    Yields:
        Messages: where, what is wrong, what was found.
    """
    for item in error.errors(include_url=False):
        loc = [part for part in item["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
        path = place + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc)
        path = path.removeprefix(".") or "recipe"
        if item["type"] == "extra_forbidden":
            known = list(_fields_at(model, loc[:-1])) + sorted(extra or ())
            close = hint(tuple(loc)) or suggestion(str(loc[-1]), known)
            yield f"{path}: {f'{owner} has ' if len(loc) == 1 else ''}no such option; {close}"
        elif item["type"] == "missing":
            yield f"{path}: is missing"
        else:
            text, got = validation_text(item["msg"]), _short(item["input"])
            yield f"{path}: {text}" if got in text else f"{path}: {text}; got {got}"


def _fields_at(model: type[BaseModel], loc: Sequence[int | str]) -> Iterator[str]:
    """Field names of the model that sits at `loc` inside `model`."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            for inner in _models_in(model.model_fields[part].annotation):
                model = inner
                break
    yield from model.model_fields


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
