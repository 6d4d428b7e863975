# The page a person opens first.
#
# Needs  what was found out about every novel, dataset and adapter
# Makes  results/report.html; and what `snakemake --report` says of the whole


report: "../resources/report/workflow.rst"


rule write_report:
    """Put everything that the run found out on one page that loads nothing from anywhere."""
    input:
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=settings.novels),
        pairs=expand("results/novels/{novel}/pairs.jsonl", novel=settings.asked_novels),
        summaries=expand("results/novels/{novel}/pairs.json", novel=settings.asked_novels),
        texts=expand("results/novels/{novel}/text.json", novel=settings.novels),
        ledgers=expand("results/datasets/{dataset}/ledger.json", dataset=settings.datasets),
        samples=expand("results/adapters/{adapter}/samples.jsonl", adapter=settings.adapters),
        evaluations=expand("results/adapters/{adapter}/evaluation.json", adapter=settings.adapters),
        trainer_logs=expand(
            "results/adapters/{adapter}/trainer_log.jsonl", adapter=settings.adapters
        ),
        gates=expand("results/adapters/{adapter}/gates.json", adapter=settings.adapters),
        manifests=expand("results/adapters/{adapter}/manifest.json", adapter=settings.adapters),
        attributions=expand(
            "results/attribution/{attribution}.json", attribution=settings.attributions
        ),
        votes="results/blind/votes.json" if glob.glob("votes/*.json") else [],
        page=expand(
            packaged("resources/report/{file}"),
            file=["report.html.j2", "style.css", "page.js", "zh.yaml", "en.yaml"],
        ),
    output:
        report=report(
            "results/report.html",
            category="Report",
            labels={"what": "the whole report"},
            caption="../resources/report/page.rst",
        ),
    log:
        "logs/write_report.log",
    benchmark:
        "benchmarks/results/write_report.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        config=config,
        attributed=list(settings.attributions),
    script:
        "../scripts/write_report.py"
