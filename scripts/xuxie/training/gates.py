"""What must hold before a GPU hour is spent: the ways in which a training run fails without an error.

Each gate returns findings. A finding names the row and the tokens, and what to do about it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from xuxie.errors import UserError

LOGGED = 5
"""How many findings of a gate are logged."""

REPORTED = 50
"""How many of them are written to gates.json."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        where: the row's id, or the token or setting concerned.
        what: the fault, with the tokens.
        remedy: what to do about it.
    """

    where: str
    what: str
    remedy: str


@dataclass(frozen=True)
class Gate:
    """A gate's name, how many things it looked at, what it found, and what it could not look at, if anything."""

    name: str
    looked_at: int
    findings: tuple[Finding, ...]
    note: str = ""

    def as_dict(self) -> dict:
        """For gates.json: how much was found, and the first findings."""
        return {
            "name": self.name,
            "looked_at": self.looked_at,
            "found": len(self.findings),
            "findings": [asdict(finding) for finding in self.findings[:REPORTED]],
            "note": self.note,
            "passed": not self.findings,
        }

    def __str__(self) -> str:
        """For the log: the verdict, and the first findings."""
        verdict = "FAILED" if self.findings else "ok"
        note = f"; {self.note}" if self.note else ""
        return "\n".join(
            [
                f"{self.name}: {verdict} ({self.looked_at} looked at){note}",
                *(f"  {f.where}: {f.what}\n  remedy: {f.remedy}" for f in self.findings[:LOGGED]),
            ]
        )


def report(gates: Sequence[Gate]) -> dict:
    """The gates of a stage, for gates.json."""
    return {
        "passed": not any(gate.findings for gate in gates),
        "gates": [gate.as_dict() for gate in gates],
    }


def refuse_failed(gates: Sequence[Gate], *, where: str) -> None:
    """Refuse the stage if a gate failed.

    Args:
        where: what was checked, for the message.

    Raises:
        UserError: a gate failed; names the first finding of each.
    """
    failed = [gate for gate in gates if gate.findings]
    if failed:
        first = failed[0].findings[0]
        raise UserError(
            "\n".join(
                f"gate failed: {gate.name}: {len(gate.findings)} findings; {gate.findings[0].what}"
                for gate in failed
            ),
            where=f"{where}; first: {first.where}",
            remedy=f"{first.remedy}; or let the run go on with `gates: warn`, and see in the report what it does",
        )
