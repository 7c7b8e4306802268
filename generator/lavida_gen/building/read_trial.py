"""Reads some scenes of every source as a build would: their masks, and the pictures that samples need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lavida_gen.annotations.problem_list import LeftOut
from lavida_gen.building.decoder_warnings import decoder_warnings
from lavida_gen.common.errors import DataError
from lavida_gen.common.findings import Finding
from lavida_gen.common.text import counted
from lavida_gen.sampling.open_source import OpenSource
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Scene


@dataclass(frozen=True, slots=True)
class SoundScene:
    """A scene that can be read.

    Attributes:
        number: Its number.
        scene: The scene, with readable names.
        nothing: Categories in it that name nothing, which `scene` does not have.
        damage: What decoders report of its pictures, with the picture; "" if nothing.
    """

    number: int
    scene: Scene
    nothing: frozenset[str]
    damage: str = ""

    @property
    def names(self) -> set[str]:
        """Everything that is in it, also what names nothing."""
        return {*self.nothing, *self.scene.present, *(name for region in self.scene.regions for name in region.names)}


@dataclass(frozen=True, slots=True)
class BrokenScene:
    """A scene that cannot be read.

    Attributes:
        text: Why.
        pictures: Its image files, as errors name them; empty if not even its annotations can be read.
        is_missing: Whether a file does not exist.
        is_stored: Whether a build would store the picture all the same, since only decoding it shows the damage.
    """

    text: str
    pictures: tuple[str, ...]
    is_missing: bool
    is_stored: bool = False


class _Undecodable(DataError):
    """A picture that only decoding shows to be broken."""


def read_scenes(
    opened: OpenSource, numbers: Sequence[int], decoded: frozenset[int], advance: Callable[[int], None]
) -> Iterator[SoundScene | BrokenScene]:
    """Read scenes with their masks, and decode the pictures of some.

    Args:
        opened: The source.
        numbers: Numbers of the scenes.
        decoded: Those of them whose pictures are decoded as well.
        advance: Called with 1 after each scene.

    Yields:
        The scene, or why it cannot be read.
    """
    for number in numbers:
        pictures: tuple[str, ...] = ()
        try:
            raw = opened.source.scene(number)
            pictures = tuple(frame.where for frame in raw.frames)
            damage = _decode(raw) if number in decoded else ""
            nothing = {region.category for region in raw.regions}.intersection(opened.names.left_out)
            yield SoundScene(number, opened.names.scene(raw), frozenset(nothing), damage)
        except DataError as error:
            yield BrokenScene(str(error), pictures, is_missing(error), isinstance(error, _Undecodable))
        advance(1)


def is_missing(error: DataError) -> bool:
    """Whether an error is about a file that does not exist; sources report those themselves.

    Args:
        error: What reading a scene raised.
    """
    return isinstance(error.__cause__, FileNotFoundError)


def _decode(scene: Scene) -> str:
    """Decode the pictures of a scene. Returns what decoders report of the first damaged one. Raises DataError."""
    for frame in {frame.where: frame for frame in scene.frames}.values():
        warnings: list[str] = []
        with decoder_warnings(warnings):
            _decode_frame(frame)
        if warnings:
            return f"{frame.where}: {warnings[0]}"
    return ""


def _decode_frame(frame: Frame) -> None:
    try:
        frame.pixels()
    except DataError as error:
        frame.jpeg()  # raises too, unless a build takes the file as it is
        raise _Undecodable(str(error)) from error


def damaged_pictures(damages: Sequence[str]) -> Iterator[Finding]:
    """A note on pictures that can be decoded, but are damaged.

    Args:
        damages: What decoders report, of one picture each.

    Yields:
        One note for all, if there are any.
    """
    if damages:
        verb = "is" if len(damages) == 1 else "are"
        text = f"{counted(len(damages), 'picture')} of those decoded {verb} damaged, such as {damages[0]}"
        yield Finding("note", f"{text}; a part of it shows nothing: fetch it again")


def broken_scenes(found: Sequence[BrokenScene], known: Sequence[str]) -> Iterator[Finding]:
    """What is wrong with the scenes of a source, beside what the source itself reports.

    Args:
        found: The broken scenes.
        known: What the source itself reports, apart from notes.

    Yields:
        An error for each picture that a build would store; a finding for each of the first other broken scenes, then
        one for all others.
    """
    left_out = LeftOut()
    for scene in found:
        if scene.is_stored:
            yield Finding("error", f"{scene.text}; a build does not notice it, even with `broken: drop`: remove it")
            continue
        is_known = any(scene.text in text or any(file in text for file in scene.pictures) for text in known)
        if not is_known and not (scene.is_missing and known):
            left_out.add("scenes cannot be read", scene.text, 1)
    yield from (Finding("dropped", text, scenes) for text, scenes in left_out.rows())
