"""Plug-ins: the file name is the registry.

`sources/coco.py` holds exactly one subclass of Source; it is found by the name ``coco``. A newcomer adds a file and
nothing else. Only the file that is asked for is imported.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

from lavida_gen.common.errors import UserError, did_you_mean


@cache
def names(package: str) -> tuple[str, ...]:
    """Names of all plug-ins of a package (``lavida_gen.sources``), sorted. Imports only the package."""
    path = importlib.import_module(package).__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))


T = TypeVar("T")


@cache
def find(package: str, base: Callable[..., T], name: str) -> type[T]:
    """The one subclass of `base` that package.name defines. Raises UserError for an unknown name."""
    family = package.rpartition(".")[2].removesuffix("s")
    if name not in names(package):
        close = did_you_mean(name, names(package))
        raise UserError(f"unknown {family} {name!r}; {close or 'known: ' + ', '.join(names(package))}")
    assert isinstance(base, type)
    module = importlib.import_module(f"{package}.{name}")
    found = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing)
        and issubclass(thing, base)
        and thing.__module__ == module.__name__
        and not inspect.isabstract(thing)
    ]
    assert len(found) == 1, f"{module.__name__} defines {len(found)} {family}s; expected one"
    return cast(type[T], found[0])
