# Kept pairs become Alpaca files, split by chapter, with every pair accounted for.


rule build_dataset:
    """Split by chapter with a gap, word the rows, prove that nothing leaks, register the files for LLaMA-Factory."""
    input:
        pairs=of_novels("pairs.jsonl"),
        summaries=of_novels("pairs.json"),
        chapters=of_novels("chapters.jsonl"),
        texts=of_novels("text.json"),
    output:
        train="results/datasets/{dataset}/train.jsonl",
        val="results/datasets/{dataset}/val.jsonl",
        test="results/datasets/{dataset}/test.jsonl",
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
        dataset=lookup(within=config, dpath="datasets/{dataset}"),
    script:
        "../scripts/build_dataset.py"
