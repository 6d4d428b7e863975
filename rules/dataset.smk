# Novels become rows and texts, split by chapter, with every character and every pair accounted for.
#
# Needs  of each novel of a dataset the text and chapters, and, where an LLM is asked, the chunks and pairs
# Makes  results/datasets/{dataset}/{train,val,test}.jsonl, {train,val}_text.jsonl, dataset_info.json (LLaMA-Factory's registry),
#        ledger.json


rule build_dataset:
    """Split by chapter, cut chapters into rows, prove that nothing leaks, register the files for LLaMA-Factory."""
    input:
        pairs=expand("results/novels/{novel}/pairs.jsonl", novel=of("dataset.asked_novels")),
        summaries=expand("results/novels/{novel}/pairs.json", novel=of("dataset.asked_novels")),
        failures=expand("results/novels/{novel}/failures.jsonl", novel=of("dataset.asked_novels")),
        unasked=expand("results/novels/{novel}/unasked.jsonl", novel=of("dataset.asked_novels")),
        chunks=expand("results/novels/{novel}/chunks.jsonl", novel=of("dataset.asked_novels")),
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=of("dataset.novel_names")),
        texts=expand("results/novels/{novel}/text.txt", novel=of("dataset.novel_names")),
        counts=expand("results/novels/{novel}/text.json", novel=of("dataset.novel_names")),
        sketches=of("dataset.sketches"),
    output:
        rows=[
            "results/datasets/{dataset}/train.jsonl",
            "results/datasets/{dataset}/val.jsonl",
            "results/datasets/{dataset}/test.jsonl",
        ],
        whole_texts=[
            "results/datasets/{dataset}/train_text.jsonl",
            "results/datasets/{dataset}/val_text.jsonl",
        ],
        untrained="results/datasets/{dataset}/untrained.jsonl",
        unplaced="results/datasets/{dataset}/unplaced.jsonl",
        info="results/datasets/{dataset}/dataset_info.json",
        cast="results/datasets/{dataset}/cast.json",
        ledger=report(
            "results/datasets/{dataset}/ledger.json",
            category="Datasets",
            subcategory="{dataset}",
            labels={"what": "ledger"},
            caption="../resources/report/ledger.rst",
        ),
    log:
        "logs/build_dataset/{dataset}.log",
    benchmark:
        "benchmarks/results/build_dataset/{dataset}.tsv"
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        name="{dataset}",
        dataset=of("dataset.entry"),
        generator=of("dataset.generator"),
        language=of("dataset.language"),
        completion_chars=settings.evaluation["completion_chars"],
        prompt_chars=settings.sampling["prompt_chars"],
    script:
        "../scripts/build_dataset.py"


rule check_ledger:
    """Add up the ledger's sums again, from the files that it speaks of; any difference ends the run."""
    input:
        ledger="results/datasets/{dataset}/ledger.json",
        rows=expand("results/datasets/{{dataset}}/{split}.jsonl", split=["train", "val", "test"]),
        whole_texts=expand(
            "results/datasets/{{dataset}}/{split}_text.jsonl", split=["train", "val"]
        ),
        untrained="results/datasets/{dataset}/untrained.jsonl",
        unplaced="results/datasets/{dataset}/unplaced.jsonl",
        pairs=expand("results/novels/{novel}/pairs.jsonl", novel=of("dataset.asked_novels")),
        failures=expand("results/novels/{novel}/failures.jsonl", novel=of("dataset.asked_novels")),
        unasked=expand("results/novels/{novel}/unasked.jsonl", novel=of("dataset.asked_novels")),
        chunks=expand("results/novels/{novel}/chunks.jsonl", novel=of("dataset.asked_novels")),
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=of("dataset.novel_names")),
        findings=expand("results/novels/{novel}/chapters.json", novel=of("dataset.novel_names")),
        texts=expand("results/novels/{novel}/text.txt", novel=of("dataset.novel_names")),
        counts=expand("results/novels/{novel}/text.json", novel=of("dataset.novel_names")),
    output:
        check="results/datasets/{dataset}/ledger_check.json",
    log:
        "logs/check_ledger/{dataset}.log",
    benchmark:
        "benchmarks/results/check_ledger/{dataset}.tsv"
    priority: 100
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        novels=of("dataset.novel_names"),
    script:
        "../scripts/check_ledger.py"
