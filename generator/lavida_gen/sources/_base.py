"""The base of all sources: one segmentation data set's files behind random access to Scenes.

To add one, write `sources/NAME.py` with one subclass of Source; tests/gen/test_sources.py finds it by itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Generic

from typing_extensions import TypeVar

from lavida_gen.common.dataset_info import DatasetInfo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.common.strict_model import StrictModel
from lavida_gen.scenes.evidence import FalseEvidence, Pictures, Use
from lavida_gen.scenes.scene import Kind, Name, Region, Scene


class LocalOnly:
    """Marks an option that locates data on THIS machine: it never enters a digest, shard or card."""


LocalPath = Annotated[Path, LocalOnly()]
"""A file or folder of the user's machine."""


class SourceOptions(StrictModel):
    """Options of a source, as written below `sources:` in a recipe; each with a description."""

    def rights(self, about: SourceInfo) -> SourceInfo:
        """What these options change in a source's own information, such as the licence of a user's own files.

        Args:
            about: The source's information.

        Returns:
            `about`, unless a source's options state or choose a licence. `verify` asks for it without opening the data.
        """
        return about


OptionsT_co = TypeVar("OptionsT_co", bound=SourceOptions, covariant=True, default=SourceOptions)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceInfo(DatasetInfo):
    """What `lavida-gen sources NAME` prints and what the card of a published corpus must state.

    Attributes:
        use: What may be done with samples made from it: "free" (any use, attribution kept), "noncommercial", or
            "forbidden" (may not be passed on at all).
        attribution: How its authors ask to be named.
        pictures: Whether its pictures are drawn or photographed; "unknown" of a user's own files. A model fitted on
            its samples carries it.
    """

    use: Use
    attribution: str
    pictures: Pictures = "unknown"


class Source(ABC, Generic[OptionsT_co]):
    """One data set. Each worker process opens it once: opening must be quick, `scene` is the hot path.

    Everything is a pure function of the options and the files: the same number gives the same Scene in any process.

    Attributes:
        Options: The type of its options.
        about: Title, licence, how to get it, layout of its folder.
        absence: How it is known that a name of the vocabulary is absent from a scene where it is not annotated:
            "exhaustive" if every scene is annotated completely with the vocabulary, "verified" if scenes are drawn,
            "unannotated" if it is merely not mentioned.
        least_evidence: The weakest evidence with which a name may be listed as absent, unless the recipe gives
            `absent_evidence`; None = the best that any name of the vocabulary has. "verified" where each scene comes
            with names that the data set states as absent.
        options: The options it was opened with.
    """

    Options: ClassVar[type[SourceOptions]] = SourceOptions
    about: ClassVar[SourceInfo]
    absence: ClassVar[FalseEvidence] = "unannotated"
    least_evidence: ClassVar[FalseEvidence | None] = None

    def __init__(self, options: OptionsT_co) -> None:
        """Open the data set.

        Args:
            options: Options of the type `Options`.

        Raises:
            DataError: Files are missing or broken.
        """
        self.options = options

    def rights(self) -> SourceInfo:
        """`about`, with the licence that the options state where a source reads a user's own files."""
        return self.options.rights(self.about)

    @property
    @abstractmethod
    def kind(self) -> Kind:
        """Whether scenes are images or clips."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of scenes."""

    @abstractmethod
    def key(self, number: int) -> str:
        """Name a scene; cheap, since no image is opened.

        Args:
            number: Number of the scene, 0..len-1.

        Returns:
            A stable key, unique within the source, such as "coco/val2017/000000000139".
        """

    def group(self, number: int) -> str:
        """What a train/val split must keep together, cheap. Data sets that share images return the same group.

        Args:
            number: Number of the scene, 0..len-1.

        Returns:
            The group; the scene's key by default.
        """
        return self.key(number)

    @abstractmethod
    def scene(self, number: int) -> Scene:
        """Read a scene's annotations. Image files are opened only when somebody reads a Frame.

        Args:
            number: Number of the scene, 0..len-1.

        Returns:
            The scene.

        Raises:
            DataError: Its annotations are missing or broken.
        """

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """The regions of a scene, whose masks may be None: what is present, and its names.

        Worth overriding where names are cheaper to read than masks: the names of other scenes fill the prompts.

        Args:
            number: Number of the scene, 0..len-1.

        Returns:
            Regions with the names, categories and candidates of `scene(number).regions`, in the same order.

        Raises:
            DataError: The annotations are missing or broken.
        """
        return self.scene(number).regions

    @abstractmethod
    def vocabulary(self) -> Sequence[Name]:
        """Every name that the data set uses, distinct, in a stable order; may be made lazily."""

    def evidence_of_absence(self, name: Name) -> FalseEvidence:
        """How it is known that a name is absent from a scene where it is not annotated.

        Worth overriding where it differs from name to name.

        Args:
            name: A name of the vocabulary.

        Returns:
            The class of evidence; `absence` by default.
        """
        return self.absence

    def related(self) -> Mapping[str, Collection[str]]:
        """Categories that may be true of the same thing though neither wording nor WordNet shows it: group and member.

        A category that is another one's `Name.group` needs no entry.

        Returns:
            Category -> others; symmetric, so that one direction suffices.
        """
        return {}

    @abstractmethod
    def fingerprint(self) -> str:
        """Digest of the annotations: the same files give the same text on any machine."""

    def left_out(self) -> Iterator[Finding]:
        """Scenes and annotations that cannot be used, as far as they are known once the source is open; cheap.

        A recipe with `broken: stop` refuses them all at once; one with `broken: drop` builds without them. A thing
        that is annotated without a usable mask stays in its scene all the same (as a region that is no candidate), so
        that its name is not listed as absent there.

        Yields:
            Findings of severity "dropped".
        """
        return iter(())

    def findings(self) -> Iterator[Finding]:
        """What `lavida-gen check` can find without decoding images: missing files, odd annotations.

        Yields:
            Findings: "dropped" for what costs a scene or an annotation, with the number of scenes; "note" for what is
            harmless; "error" for what no build can do without. All of `left_out` is among them.
        """
        yield from self.left_out()


def require_folder(path: Path, where: str, todo: str) -> Path:
    """Check that a folder exists.

    Args:
        path: The folder.
        where: The option that names it.
        todo: What the user should do if it does not exist.

    Returns:
        `path`.

    Raises:
        DataError: There is no such folder.
    """
    if not path.is_dir():
        raise DataError(problem(where, f"no folder {path}", "the data set's folder", todo))
    return path


class RequiredFiles:
    """The files and folders that a data set needs: checked one by one, reported together.

    Attributes:
        root: Folder of the data set.
    """

    def __init__(self, root: Path, todo: str) -> None:
        """Check the folder of the data set.

        Args:
            root: Folder of the data set.
            todo: What the user should do if something is missing.

        Raises:
            DataError: There is no `root` at all.
        """
        self.root, self._todo = require_folder(root, "root", todo), todo
        self._missing: list[str] = []

    def folder(self, path: Path, where: str) -> Path:
        """Look for a folder.

        Args:
            path: The folder.
            where: The option that leads to it.

        Returns:
            `path`, whether it exists or not.
        """
        if not path.is_dir():
            todo = self._root_of(path) or self._todo
            self._missing.append(problem(where, f"no folder {path}", "the data set's folder", todo))
        return path

    def file(self, path: Path, where: str, todo: str = "") -> Path:
        """Look for a file.

        Args:
            path: The file.
            where: The option that leads to it.
            todo: What the user should do if it is missing, instead of the usual hint.

        Returns:
            `path`, whether it exists or not.
        """
        if not path.is_file():
            todo = self._root_of(path) or todo or self._todo
            self._missing.append(problem(where, f"no file {path}", "a file of the data set", todo))
        return path

    def _root_of(self, path: Path) -> str:
        """A hint where a folder of `root`, or the one above it, is what `root` should be (DAVIS/DAVIS); else ""."""
        if not path.is_relative_to(self.root):
            return ""
        below, inside = path.relative_to(self.root), sorted(entry for entry in self.root.iterdir() if entry.is_dir())
        found = [folder for folder in (*inside, self.root.parent) if (folder / below).exists()]
        return f"it is in {found[0]}: give that as `root`" if found else ""

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Report a DataError raised inside together with the other missing files."""
        try:
            yield
        except DataError as error:
            self._missing.append(str(error))

    def raise_if_missing(self) -> None:
        """Report everything that is missing.

        Raises:
            DataError: Something is missing; the message has a line for each.
        """
        if self._missing:
            raise DataError("\n".join(self._missing))
