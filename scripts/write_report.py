"""Rule write_report: the page a person opens first."""

from pathlib import Path

from xuxie.files.rows import read_json, read_rows
from xuxie.report.content import page_content
from xuxie.report.inputs import Adapter, Novel
from xuxie.report.rendering import read_captions, render_page
from xuxie.runtime.job import run_job


def write_report(
    chapters: list[str],
    pairs: list[str],
    summaries: list[str],
    texts: list[str],
    ledgers: list[str],
    samples: list[str],
    evaluations: list[str],
    trainer_logs: list[str],
    gates: list[str],
    manifests: list[str],
    attributions: list[str],
    votes: str | list,
    page: list[str],
    report: str,
    *,
    config: dict,
    attributed: list[str],
) -> None:
    """Gather the files of the run, in the order in which the config names novels, datasets and adapters, and write one page.

    Args:
        pairs, summaries: none where no LLM was asked.
        attributions: by whose adapter the passages of several novels are foreseen best, of each model that has adapters of several.
        votes: what the readers of the blind page chose; none where nobody has read it.
        page: template, style, script and captions of the page.
        attributed: the names of these models.
        config: the whole configuration; it is shown at the end, and holds no secret.
    """
    folder = Path(page[0]).parent
    captions = read_captions(folder, config["report"]["language"])
    content = page_content(
        {
            name: Novel(
                list(read_rows(chapters[i])),
                list(read_rows(pairs[i])) if pairs else [],
                read_json(summaries[i]) if summaries else {},
                read_json(texts[i]),
            )
            for i, name in enumerate(config["novels"])
        },
        {name: read_json(ledgers[i]) for i, name in enumerate(config["datasets"])},
        {
            name: Adapter(
                adapter["dataset"],
                adapter["model"],
                samples=list(read_rows(samples[i])),
                evaluation=read_json(evaluations[i]),
                trainer_log=list(read_rows(trainer_logs[i])),
                gates=read_json(gates[i]),
                manifest=read_json(manifests[i]),
            )
            for i, (name, adapter) in enumerate(config["adapters"].items())
        },
        config,
        captions,
        votes=read_json(votes) if votes else None,
        attributions=dict(zip(attributed, map(read_json, attributions), strict=True)),
    )
    Path(report).write_text(render_page(folder, content, captions), encoding="utf-8")


if __name__ == "__main__":
    run_job(write_report, snakemake)
