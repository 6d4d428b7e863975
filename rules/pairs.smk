# Two roles: a generator proposes pairs of spans, a scorer says how well each completion follows from its prompt.
#
# Needs  results/novels/{novel}/chunks.jsonl, and the models that serve or score here
# Makes  results/novels/{novel}/pairs.jsonl (every candidate, kept or why not), failures.jsonl, unasked.jsonl, pairs.json
#
# A novel's chunks are dealt out to shards, each a job of its own: what one job loses is little, and what it asked is journaled.


rule generate_pairs:
    """Ask the generator for good pairs of each chunk; every answer is journaled before it is used."""
    input:
        chunks="results/novels/{novel}/chunks.jsonl",
        weights=settings.pairs.generator.weights,
        tokenizer=settings.pairs.tokenizer,
        text="results/novels/{novel}/text.txt" if settings.pairs.written else [],
        templates=of("novel.generator_templates"),
    output:
        candidates_file="results/novels/{novel}/shards/{shard}/candidates.jsonl",
        usage="results/novels/{novel}/shards/{shard}/candidates.usage.json",
    log:
        "logs/generate_pairs/{novel}.{shard}.log",
    benchmark:
        "benchmarks/results/generate_pairs/{novel}.{shard}.tsv"
    conda:
        "../envs/llm.yaml"
    threads: settings.pairs.generator.threads
    resources:
        llm=1,
        gpu=settings.pairs.generator.gpus,
        mem_mb=memory_to_ask(always(settings.pairs.generator)),
        runtime=minutes_to_ask(always(settings.pairs.generator), minutes_for_shard),
    params:
        shard="{shard}",
        endpoint=settings.pairs.generator.identity,
        pairs=settings.pairs.asking,
    script:
        "../scripts/generate_pairs.py"


rule score_by_likelihood:
    """Score candidates by how much a base model expects each completion after its own prompt rather than after others."""
    input:
        candidates="results/novels/{novel}/shards/{shard}/candidates.jsonl",
        model=of("scorer.model.files"),
    output:
        scored="results/novels/{novel}/shards/{shard}/scored.{scorer}.jsonl",
    log:
        "logs/score_by_likelihood/{novel}.{shard}.{scorer}.log",
    benchmark:
        "benchmarks/results/score_by_likelihood/{novel}.{shard}.{scorer}.tsv"
    wildcard_constraints:
        scorer=named(settings.scorers_by("likelihood")),
    conda:
        "../envs/train.yaml"
    threads: 8
    resources:
        mem_mb=memory_for_model,
        runtime=minutes_for_shard,
    params:
        scorer=of("scorer.entry"),
        trust_remote_code=of("scorer.model.trust_remote_code"),
        seed=settings.pairs.seed,
    script:
        "../scripts/score_by_likelihood.py"


rule score_by_judge:
    """Have an LLM mark each candidate by a rubric, and negatives of a share of them."""
    input:
        candidates="results/novels/{novel}/shards/{shard}/candidates.jsonl",
        chunks="results/novels/{novel}/chunks.jsonl",
        weights=of("scorer.endpoint.weights"),
        templates=of("novel.judge_templates"),
    output:
        scored="results/novels/{novel}/shards/{shard}/scored.{scorer}.jsonl",
        usage="results/novels/{novel}/shards/{shard}/scored.{scorer}.usage.json",
    log:
        "logs/score_by_judge/{novel}.{shard}.{scorer}.log",
    benchmark:
        "benchmarks/results/score_by_judge/{novel}.{shard}.{scorer}.tsv"
    wildcard_constraints:
        scorer=named(settings.scorers_by("judge")),
    conda:
        "../envs/llm.yaml"
    threads: of("scorer.endpoint.threads")
    resources:
        llm=1,
        gpu=of("scorer.endpoint.gpus"),
        mem_mb=memory_to_ask(of("scorer.endpoint")),
        runtime=minutes_to_ask(of("scorer.endpoint"), minutes_for_shard),
    params:
        shard="{shard}",
        scorer="{scorer}",
        endpoint=of("scorer.endpoint.identity"),
        calibration=of("scorer.calibration"),
        pairs=settings.pairs.asking,
    script:
        "../scripts/score_by_judge.py"


rule gather_pairs:
    """Join a novel's shards; keep or drop each pair, with the reason, and measure how far the scorer can be trusted."""
    input:
        candidates=expand(
            "results/novels/{{novel}}/shards/{shard}/candidates.jsonl", shard=of("novel.shards")
        ),
        scored=expand(
            "results/novels/{{novel}}/shards/{shard}/scored.{scorer}.jsonl",
            scorer=settings.pairs.scorers,
            shard=of("novel.shards"),
        ),
        usages=expand(
            "results/novels/{{novel}}/shards/{shard}/{answers}.usage.json",
            answers=["candidates", *(f"scored.{judge}" for judge in settings.pairs.judges)],
            shard=of("novel.shards"),
        ),
        chunks="results/novels/{novel}/chunks.jsonl",
        tokenizer=settings.pairs.tokenizer,
    output:
        pairs=report(
            "results/novels/{novel}/pairs.jsonl",
            category="Novels",
            subcategory="{novel}",
            labels={"what": "pairs"},
            caption="../resources/report/pairs.rst",
        ),
        failures="results/novels/{novel}/failures.jsonl",
        unasked="results/novels/{novel}/unasked.jsonl",
        summary=report(
            "results/novels/{novel}/pairs.json",
            category="Novels",
            subcategory="{novel}",
            labels={"what": "pairs in numbers"},
            caption="../resources/report/summary.rst",
        ),
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
        scorers={name: scorer.entry for name, scorer in settings.pairs.scorers.items()},
        asking=settings.pairs.asking,
        threshold=settings.pairs.threshold,
        near_duplicate=settings.pairs.near_duplicate,
        max_overlap=settings.pairs.max_overlap,
    script:
        "../scripts/gather_pairs.py"
