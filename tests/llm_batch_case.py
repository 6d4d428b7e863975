"""What the tests of batches share: a short way to ask by batch, and looks at what was paid for and what is kept."""

from llm_case import ask
from xuxie.llm.segments import decode, lines, segments

BATCH = {"first_look": 0.02, "poll": 0.05}


def by_batch(server, wanted, journal, *, batch=BATCH, **more):
    return ask(server, wanted, journal, batch=batch, **more)


def entries(journal) -> list[dict]:
    return [decode(line) for path in segments(journal) for _, line in lines(path)]


def replies(journal) -> dict[str, tuple]:
    """What a journal holds of answers, by key."""
    return {
        entry["key"]: (entry["question"], entry["usage"], entry["reply"])
        for entry in entries(journal)
        if "reply" in entry
    }


def records(journal) -> list:
    return list((journal / ".batches").glob("*.batch"))


def paid(server) -> dict[str, int]:
    """How often each question was answered for money, directly or by batch."""
    return dict(server.answers + server.billed)


def once(count: int) -> dict[str, int]:
    return {f"question {i}": 1 for i in range(count)}


def queue_is_full(batch: dict) -> dict:
    full = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]}
    return {"errors": full} if batch["end"] == "failed" else {}
