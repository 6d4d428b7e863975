# What the adapter is worth, in numbers, each beside what the author's own text gets and how far the measure itself can be trusted.
#
# Needs  an adapter, its base model, its samples, its dataset's rows and its novels
# Makes  results/datasets/{dataset}/exam.json, results/adapters/{adapter}/evaluation.json; paraphrased.jsonl and judged.jsonl where
#        `evaluation.paraphraser` and `evaluation.judge` name endpoints; results/attribution/{model}.json where a model has adapters of several novels


rule examine_metrics:
    """Try every metric of a text on the author's held-out passages, true against corrupted: what it cannot tell it must not judge."""
    input:
        train=of("dataset.train"),
        test=of("dataset.test"),
        texts=expand("results/novels/{novel}/text.txt", novel=of("dataset.novel_names")),
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=of("dataset.novel_names")),
        foreign=of("dataset.foreign_text"),
    output:
        exam=report(
            "results/datasets/{dataset}/exam.json",
            category="Datasets",
            subcategory="{dataset}",
            labels={"what": "exam of the metrics"},
            caption="../resources/report/exam.rst",
        ),
        passages="results/datasets/{dataset}/exam_passages.jsonl",
    log:
        "logs/examine_metrics/{dataset}.log",
    benchmark:
        "benchmarks/results/examine_metrics/{dataset}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        names=of("dataset.novel_names"),
        settings={**settings.evaluation["exam"], "seed": settings.evaluation["seed"]},
    script:
        "../scripts/examine_metrics.py"


if settings.paraphraser:

    rule paraphrase_passages:
        """Ask an LLM for the same passages in plain words: the corruption that no rule can do."""
        input:
            passages="results/datasets/{dataset}/exam_passages.jsonl",
            template=of("dataset.paraphrase_template"),
            weights=settings.paraphraser.weights,
        output:
            paraphrased="results/datasets/{dataset}/paraphrased.jsonl",
        log:
            "logs/paraphrase_passages/{dataset}.log",
        benchmark:
            "benchmarks/results/paraphrase_passages/{dataset}.tsv"
        conda:
            "../envs/llm.yaml"
        threads: settings.paraphraser.threads
        resources:
            llm=1,
            gpu=settings.paraphraser.gpus,
            mem_mb=memory_to_ask(always(settings.paraphraser)),
            runtime=minutes_to_ask(always(settings.paraphraser), minutes_for_answers),
        params:
            dataset="{dataset}",
            endpoint=settings.paraphraser.identity,
            seed=settings.evaluation["seed"],
        script:
            "../scripts/paraphrase_passages.py"


if settings.samples_judge:

    rule judge_samples:
        """Ask an LLM which of two continuations is better, in both orders, and try it on true ones against negatives."""
        input:
            samples="results/adapters/{adapter}/samples.jsonl",
            template=of("adapter.dataset.preference_template"),
            weights=settings.samples_judge.weights,
        output:
            judged="results/adapters/{adapter}/judged.jsonl",
        log:
            "logs/judge_samples/{adapter}.log",
        benchmark:
            "benchmarks/results/judge_samples/{adapter}.tsv"
        conda:
            "../envs/llm.yaml"
        threads: settings.samples_judge.threads
        resources:
            llm=1,
            gpu=settings.samples_judge.gpus,
            mem_mb=memory_to_ask(always(settings.samples_judge)),
            runtime=minutes_to_ask(always(settings.samples_judge), minutes_for_answers),
        params:
            endpoint=settings.samples_judge.identity,
            prompts=settings.evaluation["judged"],
            seed=settings.evaluation["seed"],
            target_chars=settings.sampling["target_chars"],
        script:
            "../scripts/judge_samples.py"


rule evaluate_adapter:
    """Held-out bits per character, base against tuned, and everything that can be counted in the samples."""
    input:
        train=of("adapter.trained_on"),
        test=of("adapter.dataset.test"),
        texts=expand("results/novels/{novel}/text.txt", novel=of("adapter.dataset.novel_names")),
        chapters=expand(
            "results/novels/{novel}/chapters.jsonl", novel=of("adapter.dataset.novel_names")
        ),
        samples="results/adapters/{adapter}/samples.jsonl",
        judged="results/adapters/{adapter}/judged.jsonl" if settings.samples_judge else [],
        exam=of("adapter.dataset.exam"),
        passages=of("adapter.dataset.exam_passages"),
        paraphrased=of("adapter.dataset.paraphrased") if settings.paraphraser else [],
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=of("adapter.model.files"),
    output:
        evaluation=report(
            "results/adapters/{adapter}/evaluation.json",
            category="Adapters",
            subcategory="{adapter}",
            labels={"what": "evaluation"},
            caption="../resources/report/evaluation.rst",
        ),
    log:
        "logs/evaluate_adapter/{adapter}.log",
    benchmark:
        "benchmarks/results/evaluate_adapter/{adapter}.tsv"
    conda:
        environment_of("adapter")
    threads: 4
    resources:
        mem_mb=memory_for_model,
        runtime=120,
        gpu=1,
    params:
        environment=of("adapter.model.environment"),
        names=of("adapter.dataset.novel_names"),
        settings=settings.evaluation_of_adapters,
        system=settings.sampling["system"],
        target_chars=settings.sampling["target_chars"],
        decodings=settings.decodings,
        template=of("adapter.asked_template"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
    script:
        "../scripts/evaluate_adapter.py"


if settings.attributions:

    rule attribute_passages:
        """Whose adapter finds a held-out passage least surprising, where a model has adapters of several novels."""
        input:
            passages=of("attribution.passages"),
            test=of("attribution.test"),
            weights=of("attribution.weights"),
            trained_with=of("attribution.trained_with"),
            model=of("attribution.model.files"),
        output:
            attribution="results/attribution/{attribution}.json",
        log:
            "logs/attribute_passages/{attribution}.log",
        benchmark:
            "benchmarks/results/attribute_passages/{attribution}.tsv"
        conda:
            environment_of("attribution")
        threads: 4
        resources:
            mem_mb=memory_for_model,
            runtime=120,
            gpu=1,
        params:
            environment=of("attribution.model.environment"),
            names=of("attribution.names"),
            templates=of("attribution.templates"),
            most=settings.evaluation["attributed"],
            trust_remote_code=of("attribution.model.trust_remote_code"),
        script:
            "../scripts/attribute_passages.py"
