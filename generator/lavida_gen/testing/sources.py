"""The contract of a source, checked on a miniature of its data set."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lavida_gen.common.errors import DataError
from lavida_gen.scenes import masks
from lavida_gen.scenes.evidence import FALSE_EVIDENCE
from lavida_gen.scenes.scene import Scene
from lavida_gen.sources._base import Source, SourceOptions
from lavida_gen.testing.expect import check_options, expect

MOST_FILES = 300
"""Files of a data set that `check_source` accepts: it copies and breaks each of them."""


@dataclass(frozen=True, slots=True)
class SourceCase:
    """A source, the folder of a miniature of its data set, and the options that open it.

    Attributes:
        cls: The class of the source.
        root: Folder that holds all files that the options locate.
        values: The options as plain data.
        named_by_folder: Whether errors name a broken file by the root alone (a table that lies in many files).
    """

    cls: type[Source]
    root: Path
    values: Mapping[str, object]
    named_by_folder: bool = False

    @property
    def options(self) -> SourceOptions:
        """The options, validated."""
        return self.cls.Options.model_validate(dict(self.values))

    def open(self) -> Source:
        """Open the source anew."""
        return self.cls(self.options)

    def files(self) -> list[Path]:
        """All files of the data set, sorted."""
        return sorted(path for path in self.root.rglob("*") if path.is_file()) if self.root.is_dir() else []

    def copied(self, to: Path) -> SourceCase:
        """The same with a copy of the data set in the new folder `to`; options that are a Path in it are changed."""
        shutil.copytree(self.root, to)
        moved = {
            key: to / value.relative_to(self.root)
            for key, value in self.values.items()
            if isinstance(value, Path) and value.is_relative_to(self.root)
        }
        return replace(self, root=to, values={**self.values, **moved})


def check_source(
    cls: type[Source], root: Path | str, options: Mapping[str, object] | None = None, named_by_folder: bool = False
) -> None:
    """Check everything that a build relies on in a source.

    Args:
        cls: The class of the source.
        root: Folder of a miniature of its data set: at most 300 files, all of which the source reads.
        options: Its options; option `root` is set to the folder if there is such an option.
        named_by_folder: Whether errors name a broken file by its folder alone (a table that lies in many files).

    Raises:
        AssertionError: The source breaks its contract.
    """
    values = dict(options or {})
    if "root" in cls.Options.model_fields:
        values.setdefault("root", Path(root))
    case = SourceCase(cls, Path(root), values, named_by_folder)
    expect(len(case.files()) <= MOST_FILES, f"{root}: more than {MOST_FILES} files; give a miniature of the data set")
    for check in SOURCE_CHECKS:
        check(case)
    for file_check in SOURCE_FILE_CHECKS:
        with tempfile.TemporaryDirectory() as folder:
            file_check(case, Path(folder) / "copy")


def scene_facts(scene: Scene) -> tuple[object, ...]:
    """Everything in a scene that can be compared, with the bytes of its frames."""
    jpegs = tuple(frame.jpeg() for frame in scene.frames)
    facts = (scene.licence, scene.group, scene.fps, scene.attribution, tuple(scene.absent()))
    return scene.key, scene.size, scene.regions, jpegs, facts


def check_scene(source: Source, number: int, scene: Scene) -> None:
    """Check one scene, without reading its frames.

    Args:
        source: The source.
        number: Number of the scene.
        scene: What `source.scene(number)` returned.
    """
    where = f"scene {number} ({scene.key})"
    expect(scene.key == source.key(number), f"{where}: key({number}) is {source.key(number)!r}")
    group = scene.group or scene.key
    expect(group == source.group(number), f"{where}: group is {group!r}, group({number}) is {source.group(number)!r}")
    expect(scene.licence.strip(), f"{where}: has no licence")
    expect((len(scene.frames) == 1) == (source.kind == "image"), f"{where}: {len(scene.frames)} frames, {source.kind}")
    for frame in scene.frames:
        expect(frame.size == scene.size, f"{where}: a frame of {frame.size}, the scene is of {scene.size}")
    for region in scene.regions:
        what = f"{where}, region {region.names[0]!r}"
        expect(all(name == name.strip() != "" for name in region.names), f"{what}: a blank or padded name")
        expect(len(set(region.names)) == len(region.names), f"{what}: a name twice in {region.names}")
        expect(region.category in ("", region.names[0]), f"{what}: the category must come first in {region.names}")
        seen = any(mask is not None for mask in region.masks)
        expect(seen or not region.candidate, f"{what}: a candidate that is visible nowhere")
        for mask in region.masks:
            if mask is not None:
                expect(masks.decode(mask).shape == scene.size, f"{what}: a mask of another size than the frames")
                expect(masks.area(mask) > 0, f"{what}: an empty mask; None stands for: not visible")


def check_keys(case: SourceCase) -> None:
    """Keys are unique, ASCII and the same whenever the source is opened."""
    source, again = case.open(), case.open()
    keys = [source.key(number) for number in range(len(source))]
    expect(keys, "the source has no scene")
    expect(len(keys) == len(set(keys)), f"two scenes have one key: {Counter(keys).most_common(1)}")
    expect(all(key.isascii() and " " not in key for key in keys), f"a key with a space or not in ASCII: {keys[:5]}")
    expect([again.key(number) for number in range(len(again))] == keys, "opened again, the source has other keys")


def check_scenes(case: SourceCase) -> None:
    """Scenes agree with `key`, `group` and `kind`, their frames can be read, and something may be an anomaly."""
    source = case.open()
    candidates = 0
    for number in range(len(source)):
        scene = source.scene(number)
        check_scene(source, number, scene)
        candidates += sum(region.candidate for region in scene.regions)
        for frame in scene.frames:
            shape = frame.pixels().shape
            expect(shape == (*scene.size, 3), f"scene {number}: a frame of {shape}, the scene is of {scene.size}")
    expect(candidates, "no scene has a region that may be the anomaly")


def check_annotations_without_masks(case: SourceCase) -> None:
    """The quick annotations list what the scene lists; where scenes are drawn they may list hidden things too."""
    source = case.open()
    for number in range(len(source)):
        quick = [(one.names, one.category, one.candidate) for one in source.annotations_without_masks(number)]
        shown = [(one.names, one.category, one.candidate) for one in source.scene(number).regions]
        same = quick == shown if case.files() else not Counter(shown) - Counter(quick)
        expect(same, f"scene {number}: annotations_without_masks lists {quick}, the scene {shown}")


def check_repeatable(case: SourceCase) -> None:
    """A scene is the same whenever, wherever and in whatever order it is read."""
    source, again = case.open(), case.open()
    facts = [scene_facts(source.scene(number)) for number in range(len(source))]
    for number in reversed(range(len(source))):
        expect(scene_facts(source.scene(number)) == facts[number], f"scene {number}: another one when read twice")
        expect(scene_facts(again.scene(number)) == facts[number], f"scene {number}: another one when opened twice")


def check_vocabulary(case: SourceCase) -> None:
    """The vocabulary has each name of a candidate once, in a stable order."""
    source = case.open()
    names = list(source.vocabulary())
    texts = {name.text for name in names}
    expect(names, "the vocabulary is empty")
    expect(len(names) == len(set(names)), f"a name twice: {Counter(names).most_common(1)}")
    expect(all(text == text.strip() != "" for text in texts), "a blank or padded name in the vocabulary")
    expect(list(source.vocabulary()) == names, "the vocabulary has another order when asked again")
    for number in range(len(source)):
        for region in source.scene(number).regions:
            missing = set(region.names) - texts if region.candidate else set()
            expect(not missing, f"scene {number}: not in the vocabulary: {sorted(missing)}")


def check_pickled_options(case: SourceCase) -> None:
    """A worker process that gets the pickled options opens the same source."""
    source, options = case.open(), pickle.loads(pickle.dumps(case.options))
    there = case.cls(options)
    same = (len(there), there.fingerprint()) == (len(source), source.fingerprint())
    expect(same, "opened by pickled options, the source has another length or fingerprint")


def check_about(case: SourceCase) -> None:
    """`about` is complete, lines fit a terminal, and every option has a description."""
    about = case.cls.about
    for key in ("title", "page", "licence", "attribution", "get", "layout"):
        expect(getattr(about, key).strip(), f"about.{key} is empty")
    expect(about.page.startswith(("http", "none")), f"about.page is {about.page!r}; expected an address, or none: why")
    expect(about.use in ("free", "noncommercial", "forbidden"), f"about.use is {about.use!r}")
    expect(about.pictures in ("drawn", "photographed", "unknown"), f"about.pictures is {about.pictures!r}")
    expect(case.cls.absence in FALSE_EVIDENCE, f"absence is {case.cls.absence!r}; expected one of {FALSE_EVIDENCE}")
    long = [line for line in f"{about.get}\n{about.layout}".splitlines() if len(line) > 120]
    expect(not long, f"about: a line of more than 120 letters: {long[:1]}")
    check_options(case.cls.Options)


def check_findings(case: SourceCase) -> None:
    """Of whole data nothing is left out, and `findings` gives nothing but notes."""
    source = case.open()
    found = [*source.left_out(), *(finding for finding in source.findings() if finding.severity != "note")]
    expect(not found, f"findings() of whole data: {found[:3]}")


def check_fingerprint(case: SourceCase, copy: Path) -> None:
    """The fingerprint is of the content: a copy in another folder has the same, and gives the same scenes."""
    if not case.files():
        return
    source, there = case.open(), case.copied(copy).open()
    expect(source.fingerprint(), "the fingerprint is empty")
    expect(source.fingerprint() == there.fingerprint(), "a copy of the files has another fingerprint")
    facts = [[scene_facts(opened.scene(number)) for number in range(len(opened))] for opened in (source, there)]
    expect(facts[0] == facts[1], "a copy of the files gives other scenes")


def read_everything(case: SourceCase) -> None:
    """Open a source, and read all scenes and frames. Raises DataError where a build that drops nothing stops."""
    source = case.open()
    if left_out := list(source.left_out()):
        raise DataError("\n".join(finding.text for finding in left_out))
    for number in range(len(source)):
        for frame in source.scene(number).frames:
            frame.jpeg()


def check_broken_files(case: SourceCase, copy: Path) -> None:
    """Whichever file is broken or cut off, DataError names it."""
    if not case.files():
        return
    broken = case.copied(copy)
    for path in broken.files():
        whole = path.read_bytes()
        for damage in _damages(path.suffix, whole):
            path.write_bytes(damage)
            message = _data_error(broken)
            expect(message is not None, f"{path.name}: nothing is raised when it is broken; remove what is not read")
            name = str(broken.root) if case.named_by_folder else path.name
            expect(name in str(message), f"{path.name} is broken, and the message does not name it: {message}")
        path.write_bytes(whole)
    read_everything(broken)


def check_missing_photo(case: SourceCase, copy: Path) -> None:
    """A missing photo is named by findings(), and by DataError when it is read."""
    if not case.files():
        return
    missing = case.copied(copy)
    photos = photo_files(missing.open())
    if not photos:
        return
    photos[0].unlink()
    stem = str(photos[0].with_suffix(""))
    try:
        found = [finding.text for finding in missing.open().findings() if finding.severity != "note"]
    except DataError as error:
        found = [str(error)]
    expect(any(stem in line for line in found), f"{photos[0].name} is missing, and findings() gives {found[:3]}")
    message = _data_error(missing)
    expect(photos[0].stem in str(message), f"{photos[0].name} is missing, and reading gives {message!r}")


def photo_files(source: Source) -> list[Path]:
    """Files that the frames of a source are read from, sorted."""
    places = {frame.where.partition(" frame ")[0] for n in range(len(source)) for frame in source.scene(n).frames}
    return sorted(Path(place) for place in places if Path(place).is_file())


def _damages(suffix: str, whole: bytes) -> Iterator[bytes]:
    yield b"\0\xff no such thing"
    if suffix in (".png", ".jpg", ".json", ".mp4"):  # half of a text is a text
        yield whole[: len(whole) // 2]


def _data_error(case: SourceCase) -> str | None:
    """The message of the DataError that reading everything raises, None if it raises none.

    Raises:
        AssertionError: Another exception is raised.
    """
    try:
        read_everything(case)
    except DataError as error:
        return str(error)
    except Exception as error:
        text = f"a broken or missing file raises {type(error).__name__} ({error}); expected a DataError that names it"
        raise AssertionError(text) from error
    return None


SOURCE_CHECKS: tuple[Callable[[SourceCase], None], ...] = (
    check_keys, check_scenes, check_annotations_without_masks, check_repeatable, check_vocabulary,
    check_pickled_options, check_about, check_findings,
)  # fmt: skip
"""The contract of a source. Each raises AssertionError if the case breaks it."""
SOURCE_FILE_CHECKS: tuple[Callable[[SourceCase, Path], None], ...] = (
    check_fingerprint, check_broken_files, check_missing_photo,
)  # fmt: skip
"""The contract of a source whose files can be copied; each gets a folder that does not exist yet."""
