"""The one error a user of the workflow meets."""


class UserError(Exception):
    """Something the user can mend: says what is wrong, where, and what to do.

    Args:
        what: the fault, with the value that was found.
        where: file, config key, row or byte offset of the fault.
        remedy: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = ""):
        self.what, self.where, self.remedy = what, where, remedy
        super().__init__(
            "\n".join(
                line
                for line in (what, where and f"  where: {where}", remedy and f"  remedy: {remedy}")
                if line
            )
        )
