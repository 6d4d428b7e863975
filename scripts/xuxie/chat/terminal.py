"""The terminal side: lines come in, the story goes out."""

from collections.abc import Callable
from pathlib import Path

from xuxie.chat.session import Session
from xuxie.errors import UserError

HELP = """Write or paste a passage and end it with an empty line: the model continues it.
An empty line alone lets it go on. Ctrl-C stops it in mid-sentence, and what it wrote stays.
  /outline TEXT  say what is to happen in its next passage, in a sentence
  /retry       take its last passage back and let it write another
  /undo        take back your last text and what it wrote to it
  /story       show the whole story
  /save FILE   write the story to a file
  /help        this
  /quit        leave (or Ctrl-D)"""


class Terminal:
    """One conversation.

    Args:
        session: the story.
        generate: writes the next passage: (story, seed, show) -> text.
        read: gives the next line; raises EOFError at the end.
        show: prints a piece of text as it stands.
        seed: of the first answer; each further one has the next.
    """

    def __init__(
        self,
        session: Session,
        generate: Callable[..., str],
        read: Callable[[], str],
        show: Callable[[str], None],
        seed: int,
    ):
        self._session, self._generate, self._read, self._show, self._seed = (
            session,
            generate,
            read,
            show,
            seed,
        )

    def run(self) -> None:
        """Go on until the person leaves."""
        self._show(HELP + "\n\n")
        while True:
            try:
                text = self._passage()
            except KeyboardInterrupt:
                self._show("\n")
                continue
            except EOFError:
                return
            command, _, argument = text.partition(" ")
            match command:
                case "/quit":
                    return
                case "/help":
                    self._show(HELP + "\n")
                case "/story":
                    self._show(self._session.text + "\n")
                case "/save":
                    self._save(argument.strip())
                case "/undo":
                    self._show(
                        "taken back\n"
                        if self._session.undo()
                        else "there is nothing to take back\n"
                    )
                case "/outline":
                    self._session.plan(argument.strip())
                    self._show(
                        "it will be told so\n" if argument.strip() else "nothing is planned\n"
                    )
                case "/retry":
                    self._answer() if self._session.retry() else self._show(
                        "there is nothing to write anew\n"
                    )
                case _ if command.startswith("/"):
                    self._show(f"there is no {command}; /help shows what there is\n")
                case _:
                    self._answer() if self._session.give(text) else self._show(
                        "begin with a passage\n"
                    )

    def _passage(self) -> str:
        """A command, or lines up to an empty one."""
        lines: list[str] = []
        while (line := self._read()).strip():
            if line.startswith("/") and not lines:
                return line.strip()
            lines.append(line)
        return "\n".join(lines)

    def _answer(self) -> None:
        try:
            written = self._generate(self._session.story(), self._seed, self._show)
        except UserError as error:
            self._session.undo()
            self._show(f"{error}\n")
            return
        self._seed += 1
        self._session.take(written)
        self._show("\n\n" if written else "(it has nothing to add; /retry, or write on)\n\n")

    def _save(self, name: str) -> None:
        if not name:
            self._show("/save FILE\n")
            return
        try:
            with Path(name).open("x", encoding="utf-8") as file:
                file.write(self._session.text + "\n")
        except OSError as error:
            self._show(f"not saved: {error}\n")
        else:
            self._show(f"saved to {name}\n")
