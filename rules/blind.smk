# Reading blind, on demand: `snakemake blind` writes a page, and the files that it saves under votes/ are counted in the report.


localrules:
    blind,


rule blind:
    """The page for readers."""
    input:
        "results/blind/blind.html",


rule write_blind_page:
    """Put continuations side by side on one page that does not say who wrote them; the key lies beside it."""
    input:
        samples=of_all("adapters", "samples.jsonl"),
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
        adapters=list(config["adapters"]),
        language=config["report"]["language"],
        title=config["report"]["title"] or "、".join(config["novels"]),
        passages=config["blind"]["passages"],
        seed=config["blind"]["seed"],
    script:
        "../scripts/write_blind_page.py"


rule count_votes:
    """Win rates, how often the author is recognised, and how far readers agree."""
    input:
        key="results/blind/key.json",
        votes=sorted(glob.glob("votes/*.json")),
        judged=of_all("adapters", "judged.jsonl") if config["evaluation"]["judge"] else [],
        evaluations=of_all("adapters", "evaluation.json"),
    output:
        counted="results/blind/votes.json",
    log:
        "logs/count_votes.log",
    benchmark:
        "benchmarks/results/count_votes.tsv"
    conda:
        "../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        adapters=list(config["adapters"]),
    script:
        "../scripts/count_votes.py"
