"""The journal of paid answers: `stats`, `verify`, `compact`, `forget-failures`, `export`, `import`, `join`.

python scripts/manage_journal.py stats journal
"""

import argparse
import logging
import sys
from pathlib import Path

from xuxie.errors import UserError
from xuxie.llm import upkeep


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="manage_journal.py", description="Look after the journal of paid answers."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name, says in (
        ("stats", "print what it holds and what that cost"),
        ("verify", "check every entry against its checksum"),
        ("compact", "merge its files into one; safe while jobs run"),
        ("forget-failures", "let questions that an endpoint did not answer be asked again"),
        ("export", "copy it into one file, to send to somebody who has no key"),
        ("import", "take in such a file"),
        ("join", "take in whole journals, such as those of batches"),
    ):
        command = commands.add_parser(name, help=says, description=says)
        command.add_argument("journal", type=Path, help="the folder that llm.journal names")
        if name in ("export", "import"):
            command.add_argument("file", type=Path, help="compressed if it is named .gz")
        if name == "join":
            command.add_argument("others", type=Path, nargs="+", help="the journals' folders")
    given = parser.parse_args(arguments)
    logging.basicConfig(format="%(levelname)s %(message)s")
    try:
        return _run(given)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(given: argparse.Namespace) -> int:
    match given.command:
        case "stats":
            found = upkeep.stats(given.journal)
            print(
                f"{found.segments} files, {found.bytes / 1e6:.1f} MB, from {found.first} to {found.last}"
            )
            for whose, by_model in (("", found.spent), (" (imported)", found.imported)):
                for model, usage in sorted(by_model.items()):
                    print(
                        f"{model}{whose}: {usage.calls} calls, {usage.input} tokens in ({usage.cached} cached), {usage.output} out, money {usage.cost:.4f}"
                    )
            if found.failures:
                print(f"{found.failures} questions that an endpoint will not answer")
        case "verify":
            sound = upkeep.verify(given.journal)
            print(
                f"{sound.entries} entries as written, {len(sound.damaged)} damaged, {len(sound.torn)} torn ends (no loss)"
            )
            for place in sound.damaged:
                print(f"damaged: {place}")
            return int(bool(sound.damaged))
        case "compact":
            before, after = upkeep.compact(given.journal)
            print(f"{before} files before, {after} after")
        case "forget-failures":
            forgotten, in_use = upkeep.forget_failures(given.journal)
            print(f"{forgotten} recorded failures forgotten: their questions will be asked again")
            if in_use:
                print(f"{in_use} files of running jobs were not looked into")
        case "export":
            print(f"{upkeep.export(given.journal, given.file)} entries in {given.file}")
        case "import":
            print(f"{upkeep.import_(given.file, given.journal)} new entries from {given.file}")
        case "join":
            print(f"{upkeep.join(given.journal, given.others)} new files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
