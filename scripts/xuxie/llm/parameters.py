"""What an endpoint calls the fields of a request, which of them it takes, and how large they may be.

As configured, or as its refusals say: found out once, kept in the journal, and applied to whatever is sent. The
journal's keys are those of the fields as we name them, so that nothing is asked again for it.
"""

import logging
import re

from xuxie.llm.endpoint import Endpoint
from xuxie.llm.journal import Journal, entry_of
from xuxie.llm.request import address, canonical

logger = logging.getLogger(__name__)

_NEVER = {"messages", "response_format"}  # to be renamed or left out
_NOT_TAKEN = re.compile(
    r"unsupported|not supported|n[o']t support|unknown|unrecogni[sz]ed|unexpected|forbidden|"
    r"not permitted|not allowed|invalid parameter|不支持|未知",
    re.IGNORECASE,
)
_INSTEAD = re.compile(r"use ['\"`]?(\w+)['\"`]? instead|instead use ['\"`]?(\w+)", re.IGNORECASE)
_AT_MOST = re.compile(
    r"(?:at most|<=|less than or equal to|up to|max(?:imum)?(?: value)?(?: is| of|:)?|\[\d+, ?)\s*(\d+)",
    re.IGNORECASE,
)


class Parameters:
    """The fields of requests as one endpoint wants them."""

    def __init__(self, endpoint: Endpoint, journal: Journal):
        self._endpoint, self._journal = endpoint, journal
        self._names: dict[str, str | None] = dict(endpoint.settings.fields)
        self._most: dict[str, int] = {}
        self._looked_up = set(_NEVER)

    def adapt(self, body: dict) -> dict:
        """The body as it is sent."""
        adapted = {}
        for field, value in body.items():
            name = self._name(field)
            if name is not None:
                most = self._most.get(name)
                adapted[name] = value if most is None else min(value, most)
        return adapted

    def learn(self, message: str, sent: dict) -> dict | None:
        """What a refusal says about a field that was sent: the journal's entry of it; None if it says nothing new."""
        for field, value in sent.items():
            if field in _NEVER or not re.search(rf"\b{re.escape(field)}\b", message):
                continue
            at_most = _AT_MOST.search(message)
            if _NOT_TAKEN.search(message):
                instead = _INSTEAD.search(message)
                name = instead and (instead[1] or instead[2])
                name = None if name in (field, *self._names) else name
                return self._entry(field, {"name": name})
            if at_most and isinstance(value, int) and 0 < int(at_most[1]) < value:
                return self._entry(field, {"most": int(at_most[1])})
        return None

    def _entry(self, field: str, rule: dict) -> dict:
        self._apply(field, rule)
        if "most" in rule:
            logger.warning(
                "%s takes %s up to %d: no more is sent", self._endpoint.model, field, rule["most"]
            )
        elif rule["name"]:
            logger.warning("%s calls %s %s", self._endpoint.model, field, rule["name"])
        else:
            logger.warning("%s does not take %s: it is left out", self._endpoint.model, field)
        [kind] = rule
        return entry_of(self._key(field, kind), self._endpoint.identity, field=field, rule=rule)

    def _name(self, field: str) -> str | None:
        seen = set()
        while field not in seen:
            seen.add(field)
            self._look_up(field)
            name = self._names.get(field, field)
            if name is None:
                return None
            field = name
        return field

    def _look_up(self, field: str) -> None:
        if field not in self._looked_up:
            self._looked_up.add(field)
            for kind in ("name", "most"):
                entry = self._journal.get(self._key(field, kind))
                if entry is not None and (kind == "most" or field not in self._names):
                    self._apply(field, entry["rule"])

    def _apply(self, field: str, rule: dict) -> None:
        if "most" in rule:
            self._most[field] = rule["most"]
        else:
            self._names[field] = rule["name"]

    def _key(self, field: str, kind: str) -> str:
        whose = {"parameter of": self._endpoint.identity, "field": field, "rule": kind}
        return address(canonical(whose))
