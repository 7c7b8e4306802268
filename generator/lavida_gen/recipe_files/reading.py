"""YAML files that are recipes: read strictly, changed by `key.path=value`, their faults said in our words.

What the recipes of corpora and of runs have in common. `${NAME}` and `${NAME:-default}` in any text are taken from the
environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from lavida_gen.common.errors import LavidaGenError, UserError, problem, suggestion

UNREADABLE = (yaml.YAMLError, ValueError, KeyError, TypeError)
"""What PyYAML raises for a text: a day 45 or a tag that does not suit its value is no YAMLError."""


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, which the standard would silently overwrite."""


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


def read_recipe_file(path: Path, keys: str) -> dict[str, Any]:
    """The mapping in a YAML file; `keys` says what is expected in it. Raises UserError."""
    try:
        text = path.read_text(encoding="utf-8")
        raw = yaml.load(text, Loader=_Loader)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(problem(path, f"cannot be read ({error})", "a YAML file")) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise UserError(problem(place, f"broken YAML: {error.problem}")) from error
    except UNREADABLE as error:
        raise UserError(problem(path, f"broken YAML: {error}")) from error
    if not isinstance(raw, dict):
        raise UserError(problem(path, f"holds a {type(raw).__name__}", f"a mapping with {keys}"))
    return raw


def apply_setting(raw: dict[str, Any], setting: str) -> Iterator[str]:
    """Apply one `sources.0.root=...` in place; the value is read as YAML. Yields faults."""
    key, equals, text = setting.partition("=")
    if not equals or not key:
        yield f"--set {setting}: expected key.path=value, e.g. sources.0.root=/data/coco"
        return
    try:
        value = yaml.load(text, Loader=_Loader)
    except UNREADABLE as error:
        yield f"--set {setting}: the value is broken YAML ({error})"
        return
    at: Any = raw
    *way, last = key.split(".")
    for step in way:
        try:
            at = at[int(step)] if isinstance(at, list) else at.setdefault(step, {})
        except (ValueError, IndexError, AttributeError):
            yield f"--set {setting}: the recipe has no {step!r} in {key!r}"
            return
    try:
        if isinstance(at, list):
            at[int(last)] = value
        else:
            at[last] = value
    except (ValueError, IndexError, TypeError):
        yield f"--set {setting}: the recipe has no {last!r} in {key!r}"


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand_variables(value: Any, place: str, problems: list[str]) -> Any:
    """`${NAME}` from the environment, everywhere; unset ones are faults."""
    if isinstance(value, dict):
        return {k: expand_variables(v, f"{place}.{k}" if place else str(k), problems) for k, v in value.items()}
    if isinstance(value, list):
        return [expand_variables(v, f"{place}[{n}]", problems) for n, v in enumerate(value)]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        if name not in os.environ and default is None:
            dotted = place.replace("[", ".").replace("]", "")
            problems.append(f"{place}: ${{{name}}} is not set; export {name}=... or give --set {dotted}=...")
        return os.environ.get(name, default or f"${{{name}}}")

    return _VARIABLE.sub(replace, value)


def combined_error(where: str, problems: Sequence[str], family: type[LavidaGenError] = UserError) -> LavidaGenError:
    """One error that lists every fault once."""
    unique = list(dict.fromkeys(problems))
    count = "1 fault" if len(unique) == 1 else f"{len(unique)} faults"
    return family(f"{where}: {count}\n" + "\n".join(f"  {line}" for line in unique))


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
    """pydantic's findings in our words: place, what is wrong, what was got.

    extra  keys that are known beside the model's own
    hint   what an unknown key at a place may be meant to be, in words; "" = look for a key of a like name
    """
    for one in error.errors(include_url=False):
        loc = [part for part in one["loc"] if not (isinstance(part, str) and part.startswith("function-"))]
        path = place + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc)
        path = path.removeprefix(".") or "recipe"
        if one["type"] == "extra_forbidden":
            known = list(_fields_at(model, loc[:-1])) + sorted(extra or ())
            close = hint(tuple(loc)) or suggestion(str(loc[-1]), known)
            yield f"{path}: {f'{owner} has ' if len(loc) == 1 else ''}no such option; {close}"
        elif one["type"] == "missing":
            yield f"{path}: is missing"
        else:
            yield f"{path}: {one['msg'].removeprefix('Value error, ')}; got {_short(one['input'])}"


def _fields_at(model: type[BaseModel], loc: Sequence[Any]) -> Iterator[str]:
    """Field names of the model that sits at `loc` inside `model`."""
    for part in loc:
        if isinstance(part, str) and part in model.model_fields:
            for inner in _models_in(model.model_fields[part].annotation):
                model = inner
                break
    yield from model.model_fields


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models_in(inner)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
