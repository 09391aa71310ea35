"""Two runs over the same recordings: what got better, what got worse, and what may be chance.

The figures are those of `metrics.measure`, of the clips and the time that both runs have. Clips are
matched by recording, label and time (`clip_pairs`) and resampled in pairs; false alarms belong to
no clip and are resampled by the minute of recording. With `over="recordings"` whole recordings are
resampled instead, which is the honest choice where one recording holds many alike clips and there
are at least about ten recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bharnet_ros.errors import ConfigurationError
from bharnet_ros.evaluation.bootstrap import Bootstrap, Table, mcnemar_p
from bharnet_ros.evaluation.clip_pairs import ClipPair, RecordingPair, pair_recordings
from bharnet_ros.evaluation.comparison import Comparison, Difference, Unit
from bharnet_ros.evaluation.gaps import outside
from bharnet_ros.evaluation.records import Evaluation

_BLOCK_NS = 60_000_000_000  # false alarms are resampled by the minute
_NS_PER_HOUR = 3.6e12

__all__ = ["Comparison", "Difference", "compare"]


def compare(
    old: Evaluation,
    new: Evaluation,
    *,
    resamples: int = 5000,
    seed: int = 0,
    confidence: float = 0.95,
    over: Unit = "clips",
) -> Comparison:
    """Match both runs' recordings and clips, and bound each difference.

    Raises ConfigurationError if they have no recording in common, or for options out of range.
    """
    if over not in ("clips", "recordings"):
        raise ConfigurationError(f"over is '{over}'; choose 'clips' or 'recordings'.")
    bootstrap = Bootstrap(resamples, seed, confidence)
    pairs, only_old, only_new = pair_recordings(old, new)
    if not pairs:
        raise ConfigurationError(
            f"The runs have no recording in common: the old one holds {_some(only_old)}, the new "
            f"one {_some(only_new)}. Evaluate the same bags."
        )
    clips = tuple(clip for pair in pairs for clip in pair.clips)
    present = {clip.new.class_name for clip in clips} - {new.unknown}  # that is never reported
    names = [name for name in new.class_names if name in present]
    names += sorted(present - set(names))
    counts = _Counts(pairs, clips, names, bootstrap, over)
    return Comparison(
        _title(old), _title(new), bootstrap, over,
        counts.overall(), tuple(counts.of_class(name) for name in names),
        _false_alarms(pairs), clips, tuple(_problems(pairs, only_old, only_new)),
    )  # fmt: skip


class _Counts:
    """Column sums of both runs, true ones and resampled ones, and the figures made of them."""

    def __init__(
        self, pairs: Sequence[RecordingPair], clips: Sequence[ClipPair], names: Sequence[str],
        bootstrap: Bootstrap, over: Unit,
    ) -> None:  # fmt: skip
        self._clips, self._names, self._bootstrap = clips, names, bootstrap
        of_clips = [_clip_rows(pair, names) for pair in pairs]
        of_delays = [_delay_rows(pair) for pair in pairs]
        of_time = [_time_rows(pair) for pair in pairs]
        if over == "recordings":
            tables = [np.hstack([t.sum(axis=0) for t in row])[None]
                      for row in zip(of_clips, of_delays, of_time, strict=True)]  # fmt: skip
            drawn = bootstrap.sums(np.concatenate(tables))
            widths = np.cumsum([of_clips[0].shape[1], of_delays[0].shape[1]])
            parts = np.split(drawn, widths, axis=1)
        else:
            parts = [
                bootstrap.sums(np.concatenate(table), stream)
                for stream, table in enumerate((of_clips, of_delays, of_time))
            ]
        true = [np.concatenate(t).sum(axis=0)[None] for t in (of_clips, of_delays, of_time)]
        # Row 0 holds the true sums, the others the resampled ones.
        self._of_clips, self._of_delays, self._of_time = (
            np.concatenate(both) for both in zip(true, parts, strict=True)
        )
        self._minutes = sum(len(rows) for rows in of_time)
        self._recordings = len(pairs) if over == "recordings" else None

    def overall(self) -> tuple[Difference, ...]:
        clips, delays, time = self._of_clips, self._of_delays, self._of_time
        judged, actions = clips[:, 1:3], clips[:, 3:4]
        right, answers = clips[:, 4:6], clips[:, 6:8] + time[:, 1:3]
        recall = _share(right, actions)
        by_class = np.stack([self._class_share(k) for k in range(len(self._names))] or [recall])
        accuracy = [(clip.old.right, clip.new.right) for clip in self._clips]
        reported = [(c.old.reported_right, c.new.reported_right) for c in self._clips]
        count, share = len(self._clips), self._figure("share", True)
        return (
            _tested(share("Clip accuracy", _share(judged, clips[:, :1]), count), accuracy),
            _tested(share("Recall of reports", recall, int(actions[0, 0])), reported),
            share("Recall, mean of the classes", _mean_known(by_class), int(actions[0, 0])),
            share("Precision of reports", _share(right, answers), int(actions[0, 0])),
            share("F1 of reports", _share(2 * right, actions + answers), int(actions[0, 0])),
            self._figure("per hour", False)(
                "False alarms per hour", _share(time[:, 1:3], time[:, :1]), self._minutes
            ),
            self._figure("s", False)(
                "Mean delay, where both are right", _share(delays[:, 1:3], delays[:, :1]),
                int(delays[0, 0]),
            ),
        )  # fmt: skip

    def of_class(self, name: str) -> Difference:
        own = [
            (clip.old.reported_right, clip.new.reported_right)
            for clip in self._clips
            if clip.new.class_name == name
        ]
        shares = self._class_share(self._names.index(name))
        return _tested(self._figure("share", True)(name, shares, len(own)), own)

    def _class_share(self, index: int) -> Table:
        columns = self._of_clips[:, 8 + 3 * index : 11 + 3 * index]
        return _share(columns[:, 1:], columns[:, :1])

    def _figure(self, unit: str, higher: bool) -> Callable[[str, Table, int], Difference]:
        def difference(name: str, values: Table, count: int) -> Difference:
            low, high = self._bootstrap.interval(values[1:, 1] - values[1:, 0])
            old, new = (float(value) for value in values[0])
            return Difference(
                name, unit, higher, old, new, low, high, count,
                significance=1.0 - self._bootstrap.confidence, recordings=self._recordings,
            )  # fmt: skip

        return difference


def _tested(difference: Difference, right: Sequence[tuple[bool, bool]]) -> Difference:
    """With the exact test; right: of each clip in the old and in the new run."""
    gained = sum(after and not before for before, after in right)
    lost = sum(before and not after for before, after in right)
    return replace(difference, gained=gained, lost=lost, p_value=mcnemar_p(gained, lost))


def _share(parts: Table, whole: Table) -> Table:
    """(R, 2) over (R, 1) or (R, 2); NaN where the whole is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(whole > 0, parts / whole, np.nan)


def _mean_known(by_class: Table) -> Table:
    """(C, R, 2) -> (R, 2): the mean of the classes that a resample holds."""
    known = np.isfinite(by_class)
    return _share(np.where(known, by_class, 0.0).sum(axis=0), known.sum(axis=0).astype(float))


def _clip_rows(pair: RecordingPair, names: Sequence[str]) -> Table:
    """(n, 8 + 3 C). Where two columns are named, the old run's and the new run's.

    1; judged rightly (2); whether it is an action; reported rightly (2); reported as anything (2);
    and of each class whether it is, reported rightly (2).
    """
    rows = np.zeros((len(pair.clips), 8 + 3 * len(names)))
    for row, clip in zip(rows, pair.clips, strict=True):
        both = clip.old, clip.new
        row[:3] = 1, *(c.right for c in both)
        if clip.new.class_name in names:
            reported = [c.reported_right for c in both]
            row[3:8] = 1, *reported, *(c.reported is not None for c in both)
            column = 8 + 3 * names.index(clip.new.class_name)
            row[column : column + 3] = 1, *reported
    return rows


def _delay_rows(pair: RecordingPair) -> Table:
    """(n, 3): 1, seconds from the true start to the report in the old and in the new run."""
    rows = [
        [1.0, clip.old.delay_s, clip.new.delay_s]
        for clip in pair.clips
        if clip.old.reported_right and clip.new.reported_right
    ]
    return np.asarray(rows, dtype=np.float64).reshape(-1, 3)


def _time_rows(pair: RecordingPair) -> Table:
    """(minutes, 3): hours, false alarms in the old and in the new run. Gaps are no time."""
    spans = outside(pair.gaps, pair.start_ns, pair.end_ns)
    if not spans:
        return np.zeros((0, 3))
    parts = [np.arange(start, max(end, start + 1), _BLOCK_NS) for start, end in spans]
    limits = np.repeat([end for _, end in spans], [len(part) for part in parts])
    starts = np.concatenate(parts)
    rows = np.zeros((len(starts), 3))
    rows[:, 0] = (np.minimum(starts + _BLOCK_NS, limits) - starts) / _NS_PER_HOUR
    for column, alarms in ((1, pair.old_false_alarms), (2, pair.new_false_alarms)):
        for alarm in alarms:
            rows[max(0, np.searchsorted(starts, alarm.start_ns, "right") - 1), column] += 1
    return rows


def _false_alarms(pairs: Sequence[RecordingPair]) -> dict[str, tuple[int, int]]:
    old = [alarm.class_name for pair in pairs for alarm in pair.old_false_alarms]
    new = [alarm.class_name for pair in pairs for alarm in pair.new_false_alarms]
    return {name: (old.count(name), new.count(name)) for name in sorted({*old, *new})}


def _problems(
    pairs: Sequence[RecordingPair], only_old: Sequence[str], only_new: Sequence[str]
) -> list[str]:
    found = []
    if only_old:
        found.append(f"Only in the old run, not compared: {_some(only_old)}.")
    if only_new:
        found.append(f"Only in the new run, not compared: {_some(only_new)}.")
    for pair in pairs:
        if pair.only_old or pair.only_new:
            found.append(
                f"{pair.name}: {pair.only_old} clips are only in the old run's labels and "
                f"{pair.only_new} only in the new run's; they are not compared."
            )
    return found


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5]) or "none"
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


def _title(evaluation: Evaluation) -> str:
    parts = [evaluation.mode, evaluation.pose_backend, evaluation.about.get("date", "")]
    told = ", ".join(part for part in parts if part)
    return f"{evaluation.bundle} {evaluation.bundle_sha256[:8]} ({told})"
