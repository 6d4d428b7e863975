"""The samples, one card for each prompt, with what deserves a look highlighted."""

from xuxie.report.highlights import output_spans, segments
from xuxie.report.inputs import Adapter, Novel
from xuxie.report.metrics import system_label
from xuxie.sampling.authors import BASE, HUMAN, TUNED, parted, varied


def sample_cards(
    adapters: dict[str, Adapter], novels: dict[str, Novel], captions: dict
) -> list[dict]:
    """One card for each prompt; with several adapters, all that continued it stand on the same card."""
    cards: dict[tuple, dict] = {}
    for name, adapter in adapters.items():
        for sample in adapter.samples:
            card = cards.setdefault(
                (sample["id"], sample["prompt"]["input"]), _card(sample, adapter, novels, captions)
            )
            for system, output in sample["outputs"].items():
                label = _system_label(
                    system, name, adapter, alone=len(adapters) == 1, captions=captions
                )
                if label not in (column["label"] for column in card["columns"]):
                    found = adapter.evaluation["texts"]["rows"][sample["id"]][system]
                    card["columns"].append(_column(label, system, output["text"], found, output))
    for card in cards.values():
        card["stops"] = sorted({column["stop"] for column in card["columns"] if column["stop"]})
        card["highlighted"] = any(
            column["highlighted"] for column in card["columns"] if column["system"] != HUMAN
        )
    return list(cards.values())


def _card(sample: dict, adapter: Adapter, novels: dict[str, Novel], captions: dict) -> dict:
    chapters = novels[sample["novel"]].chapters if sample["novel"] in novels else []
    title = (
        chapters[sample["chapter"] - 1]["title"] if 0 < sample["chapter"] <= len(chapters) else ""
    )
    found = adapter.evaluation["texts"]["rows"][sample["id"]][HUMAN]
    return {
        "id": sample["id"],
        "novel": sample["novel"],
        "chapter": title or str(sample["chapter"]),
        "length": sample["length"],
        "prompt": sample["prompt"]["input"],
        "told": [
            line
            for line in (sample["prompt"].get("state"), *sample["prompt"].get("outlines", []))
            if line
        ],
        "columns": [_column(captions["systems"][HUMAN], HUMAN, sample["reference"], found, None)],
    }


def _system_label(system: str, name: str, adapter: Adapter, *, alone: bool, captions: dict) -> str:
    own, variant = parted(system)
    if alone or own not in (BASE, TUNED):
        return system_label(system, captions)
    return varied(name if own == TUNED else f"{captions['systems'][BASE]} {adapter.model}", variant)


def _column(label: str, system: str, text: str, found: dict, output: dict | None) -> dict:
    # The author may copy earlier words of the novel, and invent names: nothing is highlighted there.
    spans = output_spans(text, found, output) if output else {}
    return {
        "label": label,
        "system": system,
        "segments": segments(text, spans),
        "characters": len(text),
        "stop": output and output["stop"],
        "seconds": output and output.get("seconds"),
        "forgotten": output.get("forgotten", 0) if output else 0,
        "highlighted": any(spans.values()),
    }
