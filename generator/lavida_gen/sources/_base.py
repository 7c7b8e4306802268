"""The base of all sources: one segmentation data set's files behind random access to Scenes.

To add one, write `sources/NAME.py` with one subclass of Source; tests/gen/test_sources.py finds it by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from lavida_gen.common.dataset_info import DatasetInfo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.scenes.scene import Kind, Name, Region, Scene


class LocalOnly:
    """Marks an option that says where data lies on THIS machine: it never enters a digest, shard or card."""


LocalPath = Annotated[Path, LocalOnly()]
"""A file or folder of the user's machine."""


class SourceOptions(StrictModel):
    """Options of a source, as written below `sources:` in a recipe; each with a description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo(DatasetInfo):
    """What `lavida-gen sources NAME` prints and what the card of a published corpus must state.

    Attributes:
        use: What may be done with samples made from it: "free" (any use, attribution kept), "noncommercial", or
            "forbidden" (may not be passed on at all).
        attribution: How its authors ask to be named.
    """

    use: Literal["free", "noncommercial", "forbidden"]
    attribution: str


class Source(ABC):
    """One data set. Opened once in each worker process: opening must be quick, `scene` is the hot path.

    Everything is a pure function of the options and the files: the same number gives the same Scene in any process.
    """

    Options: ClassVar[type[SourceOptions]] = SourceOptions
    about: ClassVar[SourceInfo]

    def __init__(self, options: Any) -> None:
        """Open the data set. Raises DataError where files are missing or broken."""
        self.options = options

    def rights(self) -> SourceInfo:
        """What may be done with samples of this data set as it was opened: `about`, if the options do not say more."""
        return self.about

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Whether scenes are images or clips."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of scenes."""

    @abstractmethod
    def key(self, number: int) -> str:
        """Stable, unique key of scene `number` in 0..len-1, cheap: no image is opened."""

    def group(self, number: int) -> str:
        """What a train/val split must keep together, cheap. Data sets over the same photos give the same group."""
        return self.key(number)

    @abstractmethod
    def scene(self, number: int) -> Scene:
        """Scene `number`. Reads annotations; image files are opened only when a Frame is asked. Raises DataError."""

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """The regions of scene `number`, without a promise of masks: what is there, and what it is called.

        Worth overriding where names come cheaper than masks: the names of other scenes fill the prompts.
        """
        return self.scene(number).regions

    @abstractmethod
    def vocabulary(self) -> Sequence[Name]:
        """Every name the data set uses, distinct, in a stable order; random access may be lazy."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Identity of the annotations (a digest of them): the same files give the same text on any machine."""

    def problems(self) -> Iterator[str]:
        """Every fault `lavida-gen check` can find without decoding images: missing files, odd annotations."""
        return iter(())


def need_folder(path: Path, where: str, todo: str) -> Path:
    """`path` if it is a folder; else DataError that says what to do."""
    if not path.is_dir():
        raise DataError(problem(where, f"no folder {path}", "the data set's folder", todo))
    return path


class RequiredFiles:
    """What a data set cannot do without, looked for together, so that all that is missing is said at once."""

    def __init__(self, root: Path, hint: str) -> None:
        """Raises DataError if there is no `root` at all. `hint` says what to do."""
        self.root, self._hint = need_folder(root, "root", hint), hint
        self._missing: list[str] = []

    def folder(self, path: Path, where: str) -> Path:
        """`path`, noted if it is no folder."""
        if not path.is_dir():
            self._missing.append(problem(where, f"no folder {path}", "the data set's folder", self._hint))
        return path

    def file(self, path: Path, where: str, hint: str = "") -> Path:
        """`path`, noted if it is no file."""
        if not path.is_file():
            self._missing.append(problem(where, f"no file {path}", "a file of the data set", hint or self._hint))
        return path

    @contextmanager
    def noting(self) -> Iterator[None]:
        """What is found missing inside is noted, too."""
        try:
            yield
        except DataError as error:
            self._missing.append(str(error))

    def settle(self) -> None:
        """Raises DataError with a line for each thing that is missing."""
        if self._missing:
            raise DataError("\n".join(self._missing))
