"""The drawing side of a prediction, in a thread of its own: overlay video and thumbnails of the peaks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType

from lavida_bench.prediction.clips import WaitingFrame
from lavida_bench.prediction.drawing import Drawing
from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.segments import ScoredFrame
from lavida_bench.prediction.timeline_picture import Peaks
from lavida_bench.videos.types import Maps


@dataclass(frozen=True, slots=True, eq=False)
class ShownClip:
    """A clip that is scored. n sampled frames, h w of a map.

    Attributes:
        frames: Its frames in order of time, the first one sampled.
        rows: The n sampled frames with their scores.
        maps: (n, h, w) logits; None if the model has none.
    """

    frames: Sequence[WaitingFrame]
    rows: Sequence[ScoredFrame]
    maps: Maps | None


class Pictures:
    """Draws batches of clips, in order, one while the model scores the next.

    Attributes:
        peaks: Thumbnails for the timeline, complete after `wait`.
    """

    def __init__(self, video: OverlayWriter | None, threshold: float, notice: str) -> None:
        """Start the thread.

        Args:
            video: Writes the overlay; None = no overlay.
            threshold: Probability from which a frame is anomalous.
            notice: A sentence in each frame of the overlay; "" = none.
        """
        from av.video.reformatter import VideoReformatter

        self.peaks = Peaks()
        self._video, self._drawing = video, Drawing(threshold, notice)
        self._unpacking, self._colours = VideoReformatter(), VideoReformatter()
        self._thread = ThreadPoolExecutor(1, "pictures")
        self._drawn: Future[None] | None = None
        self._left = False

    def __enter__(self) -> Pictures:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread after the frame that it draws; after `wait` there is none."""
        self._left = True
        self._thread.shutdown(cancel_futures=True)

    def add(self, clips: Sequence[ShownClip]) -> None:
        """Have a batch drawn, as soon as the one before is.

        Args:
            clips: Its clips.

        Raises:
            DataError: The one before could not be written: the disk is full.
        """
        self.wait()
        self._drawn = self._thread.submit(self._draw, clips)

    def wait(self) -> None:
        """Wait until everything is drawn.

        Raises:
            DataError: The disk is full.
        """
        if self._drawn is not None:
            self._drawn.result()

    def _draw(self, clips: Sequence[ShownClip]) -> None:
        peaks = self.peaks.chosen(row for clip in clips for row in clip.rows)
        for clip in clips:
            place = -1
            for frame in clip.frames:
                if self._left:
                    return
                place += frame.sampled
                kept = frame.number in peaks
                self._show(frame, kept, clip.rows[place], None if clip.maps is None else clip.maps[place])

    def _show(self, frame: WaitingFrame, kept: bool, row: ScoredFrame, scores: Maps | None) -> None:
        """Offer a peak to the timeline, write any frame with its scores into the overlay."""
        if not kept and self._video is None:
            return
        picture = frame.picture(self._unpacking)
        if kept:
            self.peaks.add(row.probability, frame.seconds, picture.pixels(self._colours))
        if self._video is not None:
            self._video.write(self._drawing.draw(picture, frame.seconds, row, scores), frame.seconds)
