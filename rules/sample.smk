# The base model, the adapter and their rivals continue the same held-out prompts.
#
# Needs  an adapter, its base model, its dataset's test rows and novels, and the weights of its rivals
# Makes  results/adapters/{adapter}/samples.jsonl, and on demand (`snakemake choose_decoding`) decoding.json beside it


localrules:
    choose_decoding,


rule sample_outputs:
    """Continue held-out prompts with every system of `sampling.systems`, each prompt by its own seed."""
    input:
        test=of("adapter.dataset.test"),
        texts=expand("results/novels/{novel}/text.txt", novel=of("adapter.dataset.novel_names")),
        chapters=expand(
            "results/novels/{novel}/chapters.jsonl", novel=of("adapter.dataset.novel_names")
        ),
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=of("adapter.model.files"),
        passages=of("adapter.dataset.exam_passages") if settings.sampling["drafts"] > 1 else [],
        cast=of("adapter.dataset.cast"),
        outlines=settings.outline_file,
        rival_files=[file for rival in settings.rivals.values() for file in rival.files_as_rival],
    output:
        samples=report(
            "results/adapters/{adapter}/samples.jsonl",
            category="Adapters",
            subcategory="{adapter}",
            labels={"what": "samples"},
            caption="../resources/report/samples.rst",
        ),
    log:
        "logs/sample_outputs/{adapter}.log",
    benchmark:
        "benchmarks/results/sample_outputs/{adapter}.tsv"
    conda:
        environment_of("adapter")
    threads: 4
    resources:
        mem_mb=memory_to_sample,
        runtime=minutes_to_sample,
        llm=1 if settings.asked_rivals else 0,
        gpu=max([1, *(serve["gpus"] for serve in settings.served_rivals)]),
    params:
        environment=of("adapter.model.environment"),
        names=of("adapter.dataset.novel_names"),
        sampling=settings.sampling,
        template=of("adapter.asked_template"),
        history_turns=of("adapter.dataset.history_turns"),
        language=of("adapter.dataset.language"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
        exam={key: settings.evaluation["exam"][key] for key in ("read", "auc")},
        rivals={name: rival.as_rival for name, rival in settings.rivals.items()},
    script:
        "../scripts/sample_outputs.py"


rule choose_decoding:
    """Print which sampling values write most like the author, tried on watched prompts, on demand."""
    input:
        expand("results/adapters/{adapter}/decoding.json", adapter=settings.adapters),


rule compare_decodings:
    """Let the tuned model continue watched prompts in every way of `decoding.grid`, and measure how far each is from the author."""
    input:
        val=of("adapter.dataset.val"),
        val_text=of("adapter.dataset.val_text"),
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=of("adapter.model.files"),
    output:
        decoding="results/adapters/{adapter}/decoding.json",
    log:
        "logs/compare_decodings/{adapter}.log",
    benchmark:
        "benchmarks/results/compare_decodings/{adapter}.tsv"
    # Of a rule on demand --containerize must know the environment without an adapter's name, as it does where all have the same.
    conda:
        f"../envs/{settings.shared_environment}.yaml"
        if settings.shared_environment
        else environment_of("adapter")
    threads: 4
    resources:
        mem_mb=memory_for_model,
        runtime=minutes_to_compare_decodings,
        gpu=1,
    params:
        environment=of("adapter.model.environment"),
        sampling=settings.sampling_of_answers,
        grid=settings.decoding["grid"],
        prompts=settings.decoding["prompts"],
        template=of("adapter.asked_template"),
        history_turns=of("adapter.dataset.history_turns"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
    script:
        "../scripts/compare_decodings.py"
