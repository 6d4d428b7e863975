"""What stands on the page: from the files of a run to the values that the template shows."""

from collections.abc import Callable

from xuxie.report.attribution import attribution_table
from xuxie.report.cards import sample_cards
from xuxie.report.contexts import context_ladder
from xuxie.report.costs import costs
from xuxie.report.coverage import strips
from xuxie.report.decay import decay_curves
from xuxie.report.inputs import Adapter, Novel
from xuxie.report.ledger import ledger_bars
from xuxie.report.metrics import metrics_table, recipe_row
from xuxie.report.novels import novel_facts
from xuxie.report.positions import position_charts
from xuxie.report.preferences import judge_table, readers_votes
from xuxie.report.tiles import tiles
from xuxie.report.told import sketch_sentences, told_table
from xuxie.report.trainings import training
from xuxie.report.verdict import verdict_sentences


def page_content(
    novels: dict[str, Novel],
    ledgers: dict[str, dict],
    adapters: dict[str, Adapter],
    config: dict,
    captions: dict,
    votes: dict | None = None,
    attributions: dict[str, dict] | None = None,
) -> dict:
    """Everything that the template names, ready to be shown.

    Args:
        votes: what `xuxie.blind.votes.count_votes` gave; None where nobody has read the blind page.
        attributions: by model what `attribute_passages` wrote.
    """

    def of_each(section: Callable[[dict, dict], dict]) -> list[dict]:
        return [
            {"adapter": name, **section(adapter.evaluation, captions)}
            for name, adapter in adapters.items()
        ]

    return {
        "title": config["report"]["title"] or "、".join(novels),
        "decays": of_each(decay_curves),
        "verdicts": [
            {
                "verdict": adapter.evaluation["verdict"],
                "sentences": verdict_sentences(name, adapter.evaluation, captions),
                "tiles": tiles(adapter.evaluation, captions),
            }
            for name, adapter in adapters.items()
        ],
        "samples": sample_cards(adapters, novels, captions),
        "contexts": [
            {
                "adapter": name,
                **context_ladder(adapter.evaluation, captions),
                "told": told_table(adapter.evaluation, captions),
            }
            for name, adapter in adapters.items()
        ],
        "positions": of_each(position_charts),
        "tables": of_each(metrics_table),
        "recipes": [recipe_row(name, adapter) for name, adapter in adapters.items()]
        if len(adapters) > 1
        else [],
        "attributions": [
            attribution_table(model, found, captions)
            for model, found in (attributions or {}).items()
        ],
        "readers": votes and readers_votes(votes, captions),
        "judges": [
            {"adapter": name, **judged}
            for name, adapter in adapters.items()
            if (judged := judge_table(adapter.evaluation["judge"], captions))
        ],
        "costs": costs(novels, ledgers, adapters),
        "novels": [novel_facts(name, novel, captions) for name, novel in novels.items()],
        "datasets": [
            {
                "name": name,
                "strips": strips(ledger),
                **ledger_bars(ledger),
                "sketches": sketch_sentences(ledger, captions),
            }
            for name, ledger in ledgers.items()
        ],
        "trainings": [training(name, adapter, captions) for name, adapter in adapters.items()],
        "config": config,
    }
