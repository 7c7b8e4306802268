"""The image files that annotations name: found although the name is written for another machine, and looked into.

Programs write names with backslashes, with the folder that the images lie in, with folders of their own machine, as
addresses ("my%20dog.jpg?x=1"), or in other letters ("a.jpg" for a.JPG); people sort images into subfolders later on.
Nothing outside the folder of the images is ever read.
"""

from __future__ import annotations

import ntpath
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from lavida_gen.common.errors import DataError
from lavida_gen.common.file_names import is_file_name, is_inside, path_inside, plain_name
from lavida_gen.common.input_file import MAX_PICTURE, read_input, read_regular, unreadable
from lavida_gen.scenes.image_header import Exif, inspect
from lavida_gen.scenes.images import Frame
from lavida_gen.storage import cache


class PhotoFiles:
    """Finds image files below a folder.

    Attributes:
        folder: Folder of the image files.
    """

    def __init__(self, folder: Path, names: Callable[[], Sequence[str]]) -> None:
        """Keep where to look.

        Args:
            folder: Folder of the image files.
            names: Returns every name that the annotations use; called if a file is not where its name leads.
        """
        self.folder, self._names = folder, names
        self._last_parts: Counter[str] | None = None
        self._all: frozenset[str] | None = None
        self._ends: Counter[str] | None = None  # how many names have a last part, in small letters
        self._listed: dict[Path, dict[str, list[str]]] = {}
        self._below: dict[str, list[str]] | None = None  # paths of all files below the folder by their plain names

    def path(self, name: str, where: str) -> Path:
        """The file that a name leads to, whether it exists or not; a name that leaves the folder is looked up in it.

        Args:
            name: The name in the annotations.
            where: The annotation, for the error.

        Returns:
            The path.

        Raises:
            DataError: The name leaves the folder, and no file of its last part lies in it.
        """
        try:
            return path_inside(self.folder, name, where)
        except DataError:
            found = self.find(name)
            if found is None:
                raise
            return found

    def find(self, name: str) -> Path | None:
        """The file that a name means.

        Args:
            name: The name in the annotations.

        Returns:
            An existing file; None if there is none.
        """
        return self.place(name) or self._only(name.replace("\\", "/"))

    def place(self, name: str) -> Path | None:
        """As `find`, without a search of all subfolders.

        Args:
            name: The name in the annotations.
        """
        unified = name.replace("\\", "/")
        forms = dict.fromkeys((unified, _as_address(unified)))
        found = (self._existing(candidate) for form in forms for candidate in self._candidates(form))
        return next((path for path in found if path is not None), None)

    def _existing(self, candidate: str) -> Path | None:
        """The file of a path below the folder, also in other letters; None if there is none inside the folder."""
        path = self.folder / candidate
        if not path.is_file():
            written = self._written(path.parent).get(plain_name(path.name), [])
            if len(written) != 1:
                return None
            path = path.parent / written[0]
            if path.relative_to(self.folder).as_posix() in self._exact():
                return None  # another image has this very name
        return path if is_inside(self.folder, path) else None

    def _only(self, name: str) -> Path | None:
        """The only file in any subfolder that has the last part of a name, if no other name ends so."""
        last = name.rpartition("/")[2]
        if self._ends is None:
            self._ends = Counter(plain_name(ntpath.basename(other)) for other in self._exact())
        if not last or self._ends[plain_name(last)] > 1:
            return None
        if self._below is None:
            self._below = {}
            for base, folders, names in os.walk(self.folder):
                folders[:] = sorted(folder for folder in folders if folder[0] != ".")
                for file in names:
                    self._below.setdefault(plain_name(file), []).append(os.path.join(base, file))
        found = self._below.get(plain_name(last), [])
        path = Path(found[0]) if len(found) == 1 else None
        return path if path is not None and path.is_file() and is_inside(self.folder, path) else None

    def _exact(self) -> frozenset[str]:
        """Every name that the annotations use."""
        if self._all is None:
            self._all = frozenset(name.replace("\\", "/") for name in self._names())
        return self._all

    def _count(self, last: str) -> int:
        """How many names of the annotations end in a part."""
        if self._last_parts is None:
            forms = ({ntpath.basename(other), ntpath.basename(_as_address(other))} for other in self._names())
            self._last_parts = Counter(last for own in forms for last in own)
        return self._last_parts[last]

    def beside(self, name: str) -> str:
        """Names of files that differ from a missing one in their suffix, for a message; "" if there are none."""
        path = self.folder / name.replace("\\", "/")
        stem = plain_name(path.stem)
        written = [other for names in self._written(path.parent).values() for other in names]
        return ", ".join(sorted(other for other in written if plain_name(Path(other).stem) == stem)[:3])

    def todo(self, name: str) -> str:
        """What to do about a missing file, for a message."""
        other = self.beside(name)
        return f"there is {other}" if other else "fetch it again, or check `images`"

    def _written(self, folder: Path) -> dict[str, list[str]]:
        """The files of a folder by their names in small letters."""
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            if folder.is_dir() and is_inside(self.folder, folder / "file"):
                with os.scandir(folder) as entries:
                    for entry in entries:
                        if os.path.isfile(entry) if entry.is_symlink() else entry.is_file():  # links may have no end
                            names.setdefault(plain_name(entry.name), []).append(entry.name)
            self._listed[folder] = names
        return self._listed[folder]

    def _candidates(self, name: str) -> Iterator[str]:
        """Where the file may lie below the folder: as named, in a folder unpacked twice, by the end of its name."""
        parts = [part for part in name.split("/") if part]
        if not parts or "\0" in name:
            return
        if is_file_name(name):
            yield "/".join(parts)
            yield "/".join((self.folder.resolve().name, *parts))
            for count in range(1, len(parts)):
                if tuple(parts[:count]) == self.folder.resolve().parts[-count:]:
                    yield "/".join(parts[count:])
        if parts[-1] != ".." and self._count(parts[-1]) == 1:
            yield parts[-1]

    def frame(self, name: str, size: tuple[int, int], where: str, exif: Exif) -> Frame:
        """An image file as a Frame whose errors also name the annotations that refer to it.

        Args:
            name: Its name in the annotations.
            size: (H, W) in pixels, which the file must have.
            where: The annotations that refer to it.
            exif: Whether that is the size of the picture turned by its EXIF orientation.

        Returns:
            The frame; its file is opened when somebody reads it.

        Raises:
            DataError: The name leaves the folder.
        """
        path = self.path(name, where)

        def read() -> bytes:
            try:
                return read_regular(path, MAX_PICTURE)
            except OSError as error:
                found = self.find(name) if isinstance(error, FileNotFoundError) else None
                if found is not None:
                    return read_input(found, MAX_PICTURE, "an image file")
                raise unreadable(f"{where}: {path}", error, "its image file", self.todo(name)) from error

        return Frame.encoded_by(read, size, str(path), exif)


def _as_address(name: str) -> str:
    """A name without what addresses add: scheme, query, and codes such as %20 for a blank."""
    scheme, mark, rest = name.partition("://")
    return unquote(rest.partition("?")[0] if mark else scheme)


def picture_sizes(folder: Path, names: Sequence[str], exif: Exif) -> dict[str, tuple[int, int]]:
    """The sizes of pictures whose annotations do not state them; the headers are read once.

    Args:
        folder: Folder of the image files.
        names: Their names in the annotations.
        exif: What the annotations have to do with the EXIF orientation of the files.

    Returns:
        Name -> (H, W); pictures that cannot be read, or whose orientation leaves the size open, are not in it.
    """
    photos = PhotoFiles(folder, lambda: names)
    found = {name: path for name in dict.fromkeys(names) if (path := photos.find(name)) is not None}
    lines = [f"{name}\0{path.stat().st_size}" for name, path in found.items()]
    paths = found.values()
    arrays = cache.cached_arrays(
        "picture-sizes", 1, [exif, *lines], lambda: {"size": np.array([_size(path, exif) for path in paths])}
    )
    return {name: (size[0], size[1]) for name, size in zip(found, arrays["size"].tolist(), strict=True) if size[0]}


def _size(path: Path, exif: Exif) -> tuple[int, int]:
    try:
        header = inspect(path)
    except DataError:
        return 0, 0
    if exif == "apply":
        return header.shown
    return header.size if exif == "as_stored" or header.shown == header.size else (0, 0)
