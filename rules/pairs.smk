# Two roles: a generator proposes pairs of spans, a scorer says how well each completion follows from its prompt.


localrules:
    estimate,


rule estimate:
    """Print what both roles will take: calls, tokens and, where prices are configured, money. Asks nothing."""
    input:
        chunks=of_all("novels", "chunks.jsonl"),
        tokenizer=pair_tokenizer(),
    log:
        "logs/estimate.log",
    conda:
        "../envs/llm.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        novels=list(config["novels"]),
        wordings=all_wordings,
        generator=config["pairs"]["generator"],
        judges=judges,
        pairs=asking(),
    script:
        "../scripts/estimate.py"


rule generate_pairs:
    """Ask the generator for good pairs of each chunk; every answer is journaled before it is used."""
    input:
        chunks="results/novels/{novel}/chunks.jsonl",
        gguf=gguf_of(config["pairs"]["generator"]),
        tokenizer=pair_tokenizer(),
        text=compared_text(),
    output:
        candidates_file="results/novels/{novel}/shards/{shard}/candidates.jsonl",
        usage="results/novels/{novel}/shards/{shard}/candidates.usage.json",
    log:
        "logs/generate_pairs/{novel}.{shard}.log",
    benchmark:
        "benchmarks/results/generate_pairs/{novel}.{shard}.tsv"
    conda:
        "../envs/llm.yaml"
    threads: serving_threads(config["pairs"]["generator"])
    resources:
        llm=1,
        mem_mb=memory_to_serve,
        runtime=minutes_for_shard,
    params:
        shard="{shard}",
        endpoint=endpoint_identity(config["pairs"]["generator"]),
        pairs=asking(),
        wording=wording_of,
    script:
        "../scripts/generate_pairs.py"


rule score_by_likelihood:
    """Score candidates by how much a base model expects each completion after its own prompt rather than after others."""
    input:
        candidates="results/novels/{novel}/shards/{shard}/candidates.jsonl",
        model=scorer_model_files,
    output:
        scored="results/novels/{novel}/shards/{shard}/scored.{scorer}.jsonl",
    log:
        "logs/score_by_likelihood/{novel}.{shard}.{scorer}.log",
    benchmark:
        "benchmarks/results/score_by_likelihood/{novel}.{shard}.{scorer}.tsv"
    wildcard_constraints:
        scorer=scorers_that("likelihood"),
    conda:
        "../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=memory_for_model,
        runtime=minutes_for_shard,
    params:
        scorer=scorer_settings,
        trust_remote_code=scorer_trusts_remote_code,
        seed=config["pairs"]["seed"],
    script:
        "../scripts/score_by_likelihood.py"


rule score_by_judge:
    """Have an LLM mark the candidates of each chunk by a rubric, in one call."""
    input:
        candidates="results/novels/{novel}/shards/{shard}/candidates.jsonl",
        chunks="results/novels/{novel}/chunks.jsonl",
        gguf=judge_gguf,
    output:
        scored="results/novels/{novel}/shards/{shard}/scored.{scorer}.jsonl",
        usage="results/novels/{novel}/shards/{shard}/scored.{scorer}.usage.json",
    log:
        "logs/score_by_judge/{novel}.{shard}.{scorer}.log",
    benchmark:
        "benchmarks/results/score_by_judge/{novel}.{shard}.{scorer}.tsv"
    wildcard_constraints:
        scorer=scorers_that("judge"),
    conda:
        "../envs/llm.yaml"
    threads: judge_threads
    resources:
        llm=1,
        mem_mb=memory_to_serve,
        runtime=minutes_for_shard,
    params:
        shard="{shard}",
        scorer="{scorer}",
        endpoint=judge_endpoint,
        calibration=judge_calibration,
        pairs=asking(),
        wording=wording_of,
    script:
        "../scripts/score_by_judge.py"


rule gather_pairs:
    """Join a novel's shards; keep or drop each pair, with the reason, and measure how far the scorer can be trusted."""
    input:
        candidates=candidates_of_shards,
        scored=scored_of_shards,
        usages=usages_of_shards,
        chunks="results/novels/{novel}/chunks.jsonl",
        tokenizer=pair_tokenizer(),
    output:
        pairs="results/novels/{novel}/pairs.jsonl",
        failures="results/novels/{novel}/failures.jsonl",
        unasked="results/novels/{novel}/unasked.jsonl",
        summary="results/novels/{novel}/pairs.json",
    log:
        "logs/gather_pairs/{novel}.log",
    benchmark:
        "benchmarks/results/gather_pairs/{novel}.tsv"
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        scorers={name: config["scorers"][name] for name in config["pairs"]["scorers"]},
        asking=asking(),
        threshold=config["pairs"]["threshold"],
        near_duplicate=config["pairs"]["near_duplicate"],
        max_overlap=config["pairs"]["max_overlap"],
    script:
        "../scripts/gather_pairs.py"
