"""What the log says of a dataset that was built."""

import logging

from xuxie.dataset.notes import SAYINGS
from xuxie.overlap.ngrams import LEAK_NGRAM

SKETCHED = {
    True: "%s: %d sentences asked for, %d failed; own against foreign AUC %s, at least %s asked for: rows are told them",
    False: "%s: %d sentences asked for, %d failed; own against foreign AUC %s, at least %s asked for: switched off, no row is told them",
}
"""What is said of a kind of sentence, by whether rows are told it."""

logger = logging.getLogger(__name__)


def log_summary(ledger: dict, leak: dict) -> None:
    """Say how many rows there are, that none leaks, how much of each novel they cover, and what is odd about its chapters.

    Args:
        ledger: what ledger.json holds.
        leak: what the proof of no leak has compared.
    """
    logger.info("dataset %(dataset)s: %(rows)s rows, by earlier turns: %(turns)s", ledger)
    logger.info(
        "passages of %d characters: %d trained on, %d held out, %d shared",
        LEAK_NGRAM,
        *(leak[name] for name in ("trained", "held_out", "shared")),
    )
    for kind, found in ledger["sketches"].items():
        log = logger.info if found["told"] else logger.warning
        log(
            SKETCHED[found["told"]],
            kind,
            found["asked"],
            sum(found["failed"].values()),
            found["auc"],
            found["bound"],
        )
    for novel, part in ledger["novels"].items():
        logger.info("characters of %s: %s", novel, part["characters"])
        logger.info(
            "coverage of %s: %.2f %% of the training chapters' %d characters carry loss; the rest: %s",
            novel,
            100 * part["coverage"]["share"],
            part["coverage"]["characters"],
            part["coverage"]["without"],
        )
        for note in part["notes"]:
            logger.warning("%s: %s", novel, SAYINGS[note["what"]].format(**note))
