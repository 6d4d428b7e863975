"""Figures held against each other."""

from dataclasses import dataclass, field

from xuxie.errors import UserError


@dataclass
class Sums:
    """Figures compared so far: what they are of, the ledger's figure, and the one from the files."""

    entries: list[dict] = field(default_factory=list)

    def compare(self, what: str, ledger, files) -> None:
        """Note a pair of figures, or of figures by reason."""
        self.entries.append(
            {"what": what, "ledger": ledger, "files": files, "equal": ledger == files}
        )

    @property
    def differing(self) -> list[dict]:
        """The entries whose figures are not the same."""
        return [entry for entry in self.entries if not entry["equal"]]

    def refuse_differing(self, where: str) -> None:
        """Refuse a ledger that the files do not bear out.

        Args:
            where: the ledger, for the message.

        Raises:
            UserError: figures differ; names them.
        """
        if self.differing:
            named = "; ".join(
                f"{entry['what']}: {entry['ledger']} in the ledger, {entry['files']} in the files"
                for entry in self.differing
            )
            raise UserError(
                f"{len(self.differing)} of {len(self.entries)} sums differ: {named}",
                where=where,
                remedy="a file was changed by hand or is left from another run: delete the dataset's folder and run again",
            )
