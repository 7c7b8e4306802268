"""The defects of a benchmark's files: found by its loader, or by its readers while frames are decoded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lavida_bench.videos.media import Media
from lavida_bench.videos.types import TestVideo


@dataclass(frozen=True, slots=True)
class Defect:
    """A problem of the data, and what is done about it.

    Attributes:
        where: The file, folder or video.
        what: The problem.
        action: What is done about it.
        fatal: Whether the official number cannot be computed with it.
        items: The videos or frames with the problem, if there are several.
        lost: Whether it costs whole videos and nothing else: a number over the others is partial, not wrong.
    """

    where: str
    what: str
    action: str
    fatal: bool = False
    items: tuple[str, ...] = ()
    lost: bool = False


@dataclass(slots=True)
class DefectLog:
    """Collects the defects that a loader finds.

    Attributes:
        defects: The defects, in the order in which they were found.
        missing: Keys of the videos that the annotations name and that are not on disk.
    """

    defects: list[Defect] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def leave_out(self, where: object, what: str, action: str = "left out") -> None:
        """Add the defect that a video cannot be scored; it is fatal.

        Args:
            where: The file, folder or video.
            what: The problem.
            action: What is done about it.
        """
        self.defects.append(Defect(str(where), what, action, fatal=True, lost=True))

    def add(self, where: object, what: str, action: str, fatal: bool = False, items: Iterable[object] = ()) -> None:
        """Add a defect.

        Args:
            where: The file, folder or video.
            what: The problem.
            action: What is done about it.
            fatal: Whether the official number cannot be computed with it.
            items: The videos or frames with the problem, if there are several.
        """
        self.defects.append(Defect(str(where), what, action, fatal, tuple(map(str, items))))


def reading_defects(video: TestVideo) -> list[Defect]:
    """The defects that a video's reader has found so far.

    Args:
        video: A test video.

    Returns:
        Its reader's notes, and one defect for all broken frames.
    """
    media = video.reader
    if not isinstance(media, Media):
        return []
    defects = [
        Defect(video.key, note, f"the {media.frame_count:,} frames in the file are used") for note in media.notes
    ]
    broken = {n: text for n, text in sorted(media.broken.items()) if n < media.frame_count}
    if broken:
        first = next(iter(broken.values()))
        what = f"{len(broken)} broken frame{'s' if len(broken) > 1 else ''} (frame {min(broken)}: {first})"
        defects.append(Defect(video.key, what, "replaced by the frame before it", items=tuple(map(str, broken))))
    return defects
