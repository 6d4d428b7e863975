# LLM 1 says in a sentence what happens in completions (outlines) and in chapters (summaries), for rows to be told.
#
# Needs  of each novel of such a dataset the text, chapters and pairs; the models that answer and check here
# Makes  results/datasets/{dataset}/passages.jsonl, sketches.jsonl (every sentence, or why there is none), sketches.json (whether they fit)


rule list_passages:
    """List the completions and chapters that an LLM is asked about: those of the very rows that build_dataset will make."""
    input:
        pairs=expand("results/novels/{novel}/pairs.jsonl", novel=of("dataset.asked_novels")),
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=of("dataset.novel_names")),
        texts=expand("results/novels/{novel}/text.txt", novel=of("dataset.novel_names")),
    output:
        passages="results/datasets/{dataset}/passages.jsonl",
    log:
        "logs/list_passages/{dataset}.log",
    benchmark:
        "benchmarks/results/list_passages/{dataset}.tsv"
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        name="{dataset}",
        dataset=of("dataset.entry_as_listed"),
        generator=of("dataset.generator"),
        completion_chars=settings.evaluation["completion_chars"],
        prompt_chars=settings.sampling["prompt_chars"],
    script:
        "../scripts/list_passages.py"


rule write_sketches:
    """Ask the generator what happens in each passage; every answer is journaled before it is used."""
    input:
        passages="results/datasets/{dataset}/passages.jsonl",
        weights=settings.pairs.generator.weights,
        templates=of("dataset.sketch_templates"),
    output:
        sketches="results/datasets/{dataset}/sketches.jsonl",
        usage="results/datasets/{dataset}/sketches.usage.json",
    log:
        "logs/write_sketches/{dataset}.log",
    benchmark:
        "benchmarks/results/write_sketches/{dataset}.tsv"
    conda:
        "../envs/llm.yaml"
    threads: settings.pairs.generator.threads
    resources:
        llm=1,
        gpu=settings.pairs.generator.gpus,
        mem_mb=memory_to_ask(always(settings.pairs.generator)),
        runtime=minutes_to_ask(always(settings.pairs.generator), minutes_for_answers),
    params:
        dataset="{dataset}",
        endpoint=settings.pairs.generator.identity,
        language=of("dataset.language"),
        pairs=settings.pairs.asking,
    script:
        "../scripts/write_sketches.py"


rule check_sketches:
    """Try each passage after its own sentence and after others': sentences that are not about their passages are told to no row."""
    input:
        passages="results/datasets/{dataset}/passages.jsonl",
        sketches="results/datasets/{dataset}/sketches.jsonl",
        model=of("dataset.sketch_model.files"),
    output:
        check="results/datasets/{dataset}/sketches.json",
    log:
        "logs/check_sketches/{dataset}.log",
    benchmark:
        "benchmarks/results/check_sketches/{dataset}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=memory_for_model,
        runtime=120,
    params:
        outlines=of("dataset.outlines"),
        trust_remote_code=of("dataset.sketch_model.trust_remote_code"),
        seed=settings.pairs.seed,
    script:
        "../scripts/check_sketches.py"
