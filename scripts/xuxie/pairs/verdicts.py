"""What a scorer found of a novel's pairs: scores on one scale, and how far they can be trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from xuxie.files.rows import read_rows
from xuxie.pairs.calibration import auc, percentile_score


@dataclass(frozen=True)
class Verdicts:
    """The rows that a scorer has written, by pair.

    Attributes:
        method: `judge` or `likelihood`.
        rows: `value` (None if the scorer failed) and `swapped`, the values of mismatched pairs made from the same pair;
            a judge's also have `marks`, `swapped_marks` and `reason`.
    """

    method: str
    rows: dict[str, dict]

    @cached_property
    def scores(self) -> dict[str, float | None]:
        """From 0 to 10: a judge's values as they are, likelihoods by the share of negatives that they beat."""
        if self.method == "judge":
            return {pair: row["value"] for pair, row in self.rows.items()}
        negatives = sorted(self._negatives)
        return {
            pair: None
            if row["value"] is None or not negatives
            else percentile_score(row["value"], negatives)
            for pair, row in self.rows.items()
        }

    def of(self, pair: str) -> dict:
        """A pair's score, and what was measured: marks by criterion, the bits that the prompt saves, or why there are none."""
        row = self.rows[pair]
        if "failed" in row:
            measured = {"failed": row["failed"]}
        else:
            measured = row.get("marks", {"bits": row["value"]})
        return {"score": self.scores[pair], **measured}

    def reason(self, pair: str) -> str | None:
        """The scorer's own reason, if it gives one."""
        return self.rows[pair].get("reason")

    @property
    def calibration(self) -> dict:
        """`auc` of true pairs against negatives, how many of them there are (`true`, `swapped`), and `criteria`: the AUC of each mark."""
        true = [row["value"] for row in self.rows.values() if row["value"] is not None]
        return {
            "auc": auc(true, self._negatives),
            "true": len(true),
            "swapped": len(self._negatives),
            "criteria": self._criteria(),
        }

    @property
    def _negatives(self) -> list[float]:
        return [value for row in self.rows.values() for value in row["swapped"]]

    def _criteria(self) -> dict[str, float | None]:
        true = [row["marks"] for row in self.rows.values() if "marks" in row]
        negatives = [marks for row in self.rows.values() for marks in row.get("swapped_marks", ())]
        names = true[0] if true else ()
        return {
            name: auc([marks[name] for marks in true], [marks[name] for marks in negatives])
            for name in names
        }


def read_verdicts(scored: Sequence[str], scorers: dict[str, dict]) -> dict[str, Verdicts]:
    """What each scorer has written, by its name.

    Args:
        scored: one file for each scorer and shard: all shards of the first scorer, then all of the next.
        scorers: the settings of each scorer.
    """
    shards = len(scored) // len(scorers)
    return {
        name: Verdicts(
            settings["method"],
            {row["id"]: row for path in scored[first : first + shards] for row in read_rows(path)},
        )
        for first, (name, settings) in zip(
            range(0, len(scored), shards), scorers.items(), strict=True
        )
    }
