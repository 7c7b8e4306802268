"""Plug-ins: files of this project, and classes that other packages bring.

A name has one of three forms:

    coco                           a file of this project: `sources/coco.py` defines exactly one subclass of Source
    harbour                        an entry point of an installed package, in the group `lavida_gen.sources`
    my_package.my_module:Harbour   a class that Python can import: only where the user has allowed code

The package of a family (`lavida_gen.sources`) is also the name of its group of entry points. Only the plug-in that is
asked for is imported. Installing a package is consent to its entry points; a recipe that somebody else wrote is not,
so a name with a colon is refused unless `allow_code` is given (`--allow-code` on the command line).
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from lavida_gen.common.errors import UserError, did_you_mean
from lavida_gen.common.input_file import read_input

if TYPE_CHECKING:
    from importlib import metadata

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Provider:
    """The distribution that a plug-in from outside this project belongs to.

    Attributes:
        distribution: Its name, or the name of the module if no distribution owns it.
        version: Its version, or ``sha256:`` and 12 digits of the module's source if no distribution owns it.
    """

    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


def names(package: str) -> tuple[str, ...]:
    """Names of all plug-ins of a family: its files and the entry points of installed packages.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.

    Returns:
        The names, sorted. Nothing is imported but the package.
    """
    return tuple(sorted({*built_in(package), *_entry_points(package, tuple(sys.path))}))


@cache
def built_in(package: str) -> tuple[str, ...]:
    """Names of the plug-ins that are files of this project.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.

    Returns:
        The names, sorted; none for a family without a folder.
    """
    if importlib.util.find_spec(package) is None:
        return ()
    path = importlib.import_module(package).__path__
    return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))


def hidden(package: str) -> dict[str, Provider]:
    """Entry points that cannot be used, because this project has a plug-in of that name.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.

    Returns:
        Name -> who brings it.
    """
    found = _entry_points(package, tuple(sys.path))
    return {name: _provider_of(found[name][0]) for name in built_in(package) if name in found}


def find(package: str, base: Callable[..., T], name: str, allow_code: bool = False) -> type[T]:
    """The class of a plug-in.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.
        base: The class that its plug-ins derive from.
        name: Name of a file or of an entry point, or ``package.module:Class``.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        A concrete subclass of `base`.

    Raises:
        UserError: The name is unknown, names code that is not allowed, or names something that cannot be imported or
            is no such class.
    """
    assert isinstance(base, type)
    if ":" in name:
        refuse_code(package, name, allow_code)
        return cast(type[T], _imported(package, base, name))
    if name in built_in(package):
        return cast(type[T], _from_file(package, base, name))
    return cast(type[T], _from_entry_point(package, base, name))


def refuse_code(package: str, name: str, allow_code: bool) -> None:
    """Refuse code that is not allowed. Imports nothing.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.
        name: As for `find`.
        allow_code: Whether ``package.module:Class`` is allowed.

    Raises:
        UserError: The name is ``package.module:Class`` and code is not allowed.
    """
    if ":" in name and not allow_code:
        raise UserError(
            f"{family_of(package)} {name!r} is Python code from outside lavida-gen, and would run with your rights; "
            "if you trust it, add --allow-code (in Python: allow_code=True)"
        )


def provider(package: str, name: str) -> Provider | None:
    """Who brings a plug-in that can be imported; None for a file of this project. Imports nothing new.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.
        name: As for `find`, which must have accepted it.
    """
    if ":" in name:
        return _owner(name.partition(":")[0])
    if name in built_in(package):
        return None
    return _provider_of(_entry_point(package, name))


def versions(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Distribution -> version of those plug-ins that other packages bring, for records of how a result came about.

    Args:
        named: Family and name of each plug-in; names that are known nowhere are left out.
    """
    known = [(package, name) for package, name in named if ":" in name or name in names(package)]
    providers = [provider(package, name) for package, name in known]
    return {brought.distribution: brought.version for brought in providers if brought is not None}


def origin(package: str, name: str) -> str:
    """Where a plug-in comes from, for lists. Imports nothing new.

    Args:
        package: The family, e.g. ``lavida_gen.sources``.
        name: A name of `names`, or of a class that was imported.

    Returns:
        ``built in``, or distribution and version.
    """
    try:
        return str(provider(package, name) or "built in")
    except UserError:
        return "several packages"


def family_of(package: str) -> str:
    """What messages call one plug-in of a family: ``source`` for ``lavida_gen.sources``."""
    return package.rpartition(".")[2].removesuffix("s")


# ---- a file of this project ----------------------------------------------------------------------------------------


@cache
def _from_file(package: str, base: type, name: str) -> type:
    module = importlib.import_module(f"{package}.{name}")
    classes = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing)
        and issubclass(thing, base)
        and thing.__module__ == module.__name__
        and not inspect.isabstract(thing)
    ]
    assert len(classes) == 1, f"{module.__name__} defines {len(classes)} {family_of(package)}s; expected one"
    return classes[0]


# ---- entry points of installed packages ----------------------------------------------------------------------------


@lru_cache(maxsize=32)
def _entry_points(group: str, path: tuple[str, ...]) -> dict[str, list[metadata.EntryPoint]]:
    """Entry points of a group by name; `path` is sys.path, so that a changed one is looked through again."""
    from importlib import metadata  # a third of the time of --help, which asks for no plug-ins

    found: dict[str, list[metadata.EntryPoint]] = {}
    for entry in metadata.entry_points(group=group):
        found.setdefault(entry.name, []).append(entry)
    return found


def _entry_point(package: str, name: str) -> metadata.EntryPoint:
    """The one entry point of a name. Raises UserError if there is none, or if several packages bring one."""
    found = _entry_points(package, tuple(sys.path)).get(name, [])
    family = family_of(package)
    if not found:
        known = names(package)
        close = did_you_mean(name, known)
        hint = close or f"known: {', '.join(known)}"
        if "." in name:
            hint = f"expected package.module:Class, e.g. {name}:MyClass"
        raise UserError(f"unknown {family} {name!r}; {hint}")
    if len({entry.value for entry in found}) > 1:
        packages = " and ".join(sorted(str(_provider_of(entry)) for entry in found))
        todo = f"uninstall one of them, or give {' or '.join(sorted(entry.value for entry in found))}"
        raise UserError(f"{family} {name!r} is brought by {packages}; {todo}")
    return found[0]


def _provider_of(entry: metadata.EntryPoint) -> Provider:
    if entry.dist is None:
        return _owner(entry.module)
    return Provider(entry.dist.name, entry.dist.version)


def _from_entry_point(package: str, base: type, name: str) -> type:
    entry = _entry_point(package, name)
    return _imported(package, base, entry.value, f" of {_provider_of(entry)}")


# ---- package.module:Class ------------------------------------------------------------------------------------------


@cache
def _imported(package: str, base: type, value: str, of: str = "") -> type:
    """The class that ``package.module:Class`` names. Raises UserError."""
    where = f"{family_of(package)} {value!r}{of}"
    module_name, _, path = value.partition(":")
    try:
        thing: object = importlib.import_module(module_name)
    except Exception as error:  # importing runs the package's own code, which may raise anything
        raise UserError(f"{where}: {_import_message(module_name, error)}") from error
    for step in path.split("."):
        thing = getattr(thing, step, None)
    expected = f"a concrete subclass of {base.__module__.partition('.')[0]}.{base.__qualname__}"
    if not inspect.isclass(thing):
        raise UserError(f"{where}: module {module_name} has no class {path!r}; expected {expected}")
    if not _derives(thing, base) or inspect.isabstract(thing):
        missing = ", ".join(sorted(getattr(thing, "__abstractmethods__", ())))
        raise UserError(f"{where}: {'does not define ' + missing if missing else 'is another class'}; got "
                        f"{thing.__qualname__}, expected {expected}")  # fmt: skip
    return thing


def _derives(thing: type, base: type) -> bool:
    """Whether a class derives from `base`, or has the methods of `base` if that is a Protocol."""
    if not getattr(base, "_is_protocol", False):
        return issubclass(thing, base)
    methods = [name for name, member in vars(base).items() if callable(member) and not name.startswith("_")]
    return all(callable(getattr(thing, name, None)) for name in methods)


def _import_message(module: str, error: Exception) -> str:
    """Why a module cannot be imported, and what to do."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return f"cannot be imported ({type(error).__name__}: {error})"
    if module == error.name or module.startswith(f"{error.name}."):
        return f"there is no module {error.name}; {install_hint(error.name)}"
    return f"needs module {error.name}, which is not installed; {install_hint(error.name)}"


def install_hint(module: str) -> str:
    """What to do where a module is missing.

    Args:
        module: Its dotted name.
    """
    top = module.partition(".")[0]
    return f"install the package that holds {top} (pip install ...), or put its folder on PYTHONPATH"


@cache
def _owner(module: str) -> Provider:
    """The distribution that a module belongs to, or the module with a digest of its source if there is none."""
    top = module.partition(".")[0]
    from importlib import metadata

    for name in (top, *metadata.packages_distributions().get(top, ())):
        try:
            return Provider(metadata.distribution(name).name, metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    spec = importlib.util.find_spec(module)
    source = Path(spec.origin) if spec is not None and spec.origin else None
    if source is None or not source.is_file():
        return Provider(module, "unknown")
    import hashlib

    return Provider(module, f"sha256:{hashlib.sha256(read_input(source)).hexdigest()[:12]}")
