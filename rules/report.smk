# The page a person opens first.


rule write_report:
    """Put everything that the run found out on one page that loads nothing from anywhere."""
    input:
        chapters=of_all("novels", "chapters.jsonl"),
        pairs=of_all("novels", "pairs.jsonl"),
        summaries=of_all("novels", "pairs.json"),
        texts=of_all("novels", "text.json"),
        ledgers=of_all("datasets", "ledger.json"),
        samples=of_all("adapters", "samples.jsonl"),
        evaluations=of_all("adapters", "evaluation.json"),
        trainer_logs=of_all("adapters", "trainer_log.jsonl"),
        gates=of_all("adapters", "gates.json"),
        manifests=of_all("adapters", "manifest.json"),
        page=expand(
            packaged("resources/report/{file}"),
            file=["report.html.j2", "style.css", "page.js", "zh.yaml", "en.yaml"],
        ),
    output:
        report=report("results/report.html", category="xuxie"),
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
    script:
        "../scripts/write_report.py"
