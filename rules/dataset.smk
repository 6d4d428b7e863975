# Kept pairs become Alpaca files, split by chapter, with every pair accounted for.


rule build_dataset:
    """Split by chapter with a gap, word the rows, prove that nothing leaks, register the files for LLaMA-Factory."""
    input:
        pairs=of_novels("pairs.jsonl"),
        summaries=of_novels("pairs.json"),
        failures=of_novels("failures.jsonl"),
        unasked=of_novels("unasked.jsonl"),
        chunks=of_novels("chunks.jsonl"),
        chapters=of_novels("chapters.jsonl"),
        texts=of_novels("text.txt"),
        counts=of_novels("text.json"),
    output:
        train="results/datasets/{dataset}/train.jsonl",
        val="results/datasets/{dataset}/val.jsonl",
        test="results/datasets/{dataset}/test.jsonl",
        unplaced="results/datasets/{dataset}/unplaced.jsonl",
        info="results/datasets/{dataset}/dataset_info.json",
        ledger="results/datasets/{dataset}/ledger.json",
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
        dataset=dataset_settings,
    script:
        "../scripts/build_dataset.py"


rule check_ledger:
    """Add up the ledger's sums again, from the files that it speaks of; any difference ends the run."""
    input:
        ledger="results/datasets/{dataset}/ledger.json",
        rows=expand("results/datasets/{{dataset}}/{split}.jsonl", split=["train", "val", "test"]),
        unplaced="results/datasets/{dataset}/unplaced.jsonl",
        pairs=of_novels("pairs.jsonl"),
        failures=of_novels("failures.jsonl"),
        unasked=of_novels("unasked.jsonl"),
        chunks=of_novels("chunks.jsonl"),
        chapters=of_novels("chapters.jsonl"),
        findings=of_novels("chapters.json"),
        texts=of_novels("text.txt"),
        counts=of_novels("text.json"),
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
        novels=configured("datasets/{dataset}/novels"),
    script:
        "../scripts/check_ledger.py"
