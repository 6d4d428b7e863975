# Reading blind, on demand: `snakemake blind` writes a page, and the files that it saves under votes/ are counted.
#
# Needs  the samples of every adapter; for the count also the votes and evaluations
# Makes  results/blind/blind.html and key.json (who wrote what); votes.json


localrules:
    blind,


rule blind:
    """The page for readers."""
    input:
        "results/blind/blind.html",


rule write_blind_page:
    """Put continuations side by side on one page that does not say who wrote them; the key lies beside it."""
    input:
        samples=expand("results/adapters/{adapter}/samples.jsonl", adapter=settings.adapters),
        layout=expand(
            packaged("resources/blind/{file}"),
            file=["page.html.j2", "style.css", "page.js", "zh.yaml", "en.yaml"],
        ),
    output:
        page="results/blind/blind.html",
        key="results/blind/key.json",
    log:
        "logs/write_blind_page.log",
    benchmark:
        "benchmarks/results/write_blind_page.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        adapters=list(settings.adapters),
        language=settings.language,
        title=settings.title,
        passages=settings.blind["passages"],
        seed=settings.blind["seed"],
    script:
        "../scripts/write_blind_page.py"


rule count_votes:
    """Win rates, how often the author is recognised, and how far readers agree."""
    input:
        key="results/blind/key.json",
        votes=sorted(glob.glob("votes/*.json")),
        judged=(
            expand("results/adapters/{adapter}/judged.jsonl", adapter=settings.adapters)
            if settings.samples_judge
            else []
        ),
        evaluations=expand("results/adapters/{adapter}/evaluation.json", adapter=settings.adapters),
    output:
        counted="results/blind/votes.json",
    log:
        "logs/count_votes.log",
    benchmark:
        "benchmarks/results/count_votes.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        adapters=list(settings.adapters),
    script:
        "../scripts/count_votes.py"
