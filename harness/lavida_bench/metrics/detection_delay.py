"""Time from the start of an event to the first alarm, at a threshold that a fixed share of normal frames reaches.

An event is a run of consecutive abnormal frames. The threshold is the lowest one that at most `false_alarm_rate` of all
normal frames reach. The delay of an event is the time from its first frame to its first frame at or above the
threshold; an event that never gets there counts with its whole length and as missed.
"""

from __future__ import annotations

import numpy as np

from lavida_bench.metrics._base import Metric, Weights
from lavida_bench.metrics._events import Array, at_or_above, below, first_reached, label_runs
from lavida_bench.metrics._score_counts import ScoreCounts
from lavida_bench.protocols.view import EvaluatedVideo


class DetectionDelay(Metric):
    """Mean delay over events in seconds, and the share of events missed.

    Args:
        false_alarm_rate: Largest share of the normal frames that may reach the threshold, 0..1.
    """

    name = "detection_delay"
    about = "seconds from an event's start to the first alarm, where 5 % of normal frames raise one"
    needs = "frames"
    variants = ("delay", "missed")
    unit = "s"
    higher_is_better = False

    def __init__(self, false_alarm_rate: float = 0.05) -> None:
        super().__init__()
        self.false_alarm_rate = false_alarm_rate
        self.score_counts = ScoreCounts("normal", "delay", "missed")
        self._events: list[int] = []

    def is_share(self, variant: str) -> bool:
        """The share of events missed is one."""
        return variant == "missed"

    def _add_video(self, item: EvaluatedVideo) -> bool:
        if item.video.fps is None or not len(item.frames):
            return False
        events = label_runs(item, abnormal=True)
        no_scores = np.zeros(0)
        records = [first_reached(event) for event in events]
        growth = np.concatenate([np.zeros(0), *(frames / item.video.fps for _, frames in records)])
        self.score_counts.add(
            normal=(item.values[~item.labels], None),
            delay=(np.concatenate([no_scores, *(scores for scores, _ in records)]), growth),
            missed=(np.array([event.max() for event in events], np.float64), None),
        )
        self._events.append(len(events))
        return True

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """Delay and missed; undefined without events or without normal frames."""
        totals = self.score_counts.totals(weights)
        weights = np.ones((1, len(self.keys))) if weights is None else weights
        events = weights @ np.array(self._events, float)
        normal = at_or_above(totals["normal"])
        chosen = np.argmax(normal <= self.false_alarm_rate * normal[:, :1], axis=1)[:, None]
        results = {}
        with np.errstate(invalid="ignore", divide="ignore"):
            for variant in self.variants:
                mean = np.take_along_axis(below(totals[variant]), chosen, axis=1)[:, 0] / events
                results[variant] = np.where((events > 0) & (normal[:, 0] > 0), mean, np.nan)
        return results

    def counts(self) -> dict[str, int]:
        """Videos and events."""
        return super().counts() | {"events": sum(self._events)}

    def notes(self) -> tuple[str, ...]:
        """The parameter, and videos without a frame rate."""
        notes = [
            f"at the lowest threshold that at most {self.false_alarm_rate:.1%} of normal frames reach; "
            "missed (a share of the events) count with their whole length"
        ]
        if self.left_out:
            notes.append(f"{len(self.left_out)} videos have no frame rate or no scored frame and are left out")
        return tuple(notes)
