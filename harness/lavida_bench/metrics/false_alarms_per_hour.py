"""Number of false alarms in an hour of normal video, at a threshold that finds a fixed share of the events.

An event (a run of consecutive abnormal frames) is found when one of its frames reaches the threshold; the threshold is
the highest one that finds at least `recall` of all events. An alarm is a run of consecutive normal frames at or above
it, however long; a run that goes on from an event into the normal frames after it is one too.
"""

from __future__ import annotations

import numpy as np

from lavida_bench.metrics._base import Metric, Weights
from lavida_bench.metrics._events import Array, alarm_counts, at_or_above, label_runs
from lavida_bench.metrics._score_counts import ScoreCounts
from lavida_bench.protocols.view import EvaluatedVideo


class FalseAlarmsPerHour(Metric):
    """Alarms in an hour of normal video.

    Args:
        recall: Share of the events that must be found, 0..1.
    """

    name = "false_alarms_per_hour"
    about = "false alarms in an hour of normal video, where 80 % of the events are found"
    needs = "frames"
    variants = ("alarms",)
    unit = "1/h"
    higher_is_better = False

    def __init__(self, recall: float = 0.8) -> None:
        super().__init__()
        self.recall = recall
        self.score_counts = ScoreCounts("events", "alarms")
        self._hours: list[float] = []
        self._events = 0

    def _add_video(self, item: EvaluatedVideo) -> bool:
        if item.video.fps is None or not len(item.frames):
            return False
        events = [event.max() for event in label_runs(item, abnormal=True)]
        runs = [alarm_counts(run) for run in label_runs(item, abnormal=False)]
        scores = np.concatenate([np.zeros(0), *(values for values, _ in runs)])
        signs = np.concatenate([np.zeros(0, np.int64), *(counts for _, counts in runs)])
        self.score_counts.add(events=(np.array(events, np.float64), None), alarms=(scores, signs))
        self._hours.append(float((~item.labels).sum()) / item.video.fps / 3600)
        self._events += len(events)
        return True

    def value(self, weights: Weights | None = None) -> dict[str, Array]:
        """Alarms an hour; undefined without events or without normal frames."""
        totals = self.score_counts.totals(weights)
        weights = np.ones((1, len(self.keys))) if weights is None else weights
        hours = weights @ np.array(self._hours, float)
        found, runs = at_or_above(totals["events"]), at_or_above(totals["alarms"])
        enough = found >= self.recall * found[:, :1] - 1e-9
        chosen = enough.sum(axis=1) - 1  # `found` falls as the threshold rises: the last threshold with enough
        number = np.take_along_axis(runs, chosen[:, None], axis=1)[:, 0]
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"alarms": np.where((found[:, 0] > 0) & (hours > 0), number / hours, np.nan)}

    def counts(self) -> dict[str, int]:
        """Videos, events, and seconds of normal video."""
        return super().counts() | {"events": self._events, "normal_seconds": round(sum(self._hours) * 3600)}

    def notes(self) -> tuple[str, ...]:
        """The parameter, and videos without a frame rate."""
        notes = [f"at the highest threshold that finds at least {self.recall:.0%} of the events"]
        if self.left_out:
            notes.append(f"{len(self.left_out)} videos have no frame rate or no scored frame and are left out")
        return tuple(notes)
