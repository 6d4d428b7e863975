# What the adapter is worth, in numbers, each beside what the author's own text gets.


rule judge_samples:
    """Ask an LLM which of two continuations is better, in both orders, and try it on true against foreign ones."""
    input:
        samples="results/adapters/{adapter}/samples.jsonl",
        wording=arbiter_wording,
        gguf=arbiter_gguf,
    output:
        judged="results/adapters/{adapter}/judged.jsonl",
    log:
        "logs/judge_samples/{adapter}.log",
    benchmark:
        "benchmarks/results/judge_samples/{adapter}.tsv"
    conda:
        "../envs/llm.yaml"
    threads: arbiter_threads
    resources:
        mem_mb=memory_to_serve,
        runtime=240,
    params:
        endpoint=arbiter_endpoint,
        prompts=config["evaluation"]["judged"],
        seed=config["evaluation"]["seed"],
    script:
        "../scripts/judge_samples.py"


rule evaluate_adapter:
    """Held-out bits per character, base against tuned, and everything that can be counted in the samples."""
    input:
        train=train_rows,
        test=test_rows,
        texts=novel_parts("text.txt"),
        chapters=novel_parts("chapters.jsonl"),
        samples="results/adapters/{adapter}/samples.jsonl",
        judged=judged_samples,
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=model_files,
    output:
        evaluation="results/adapters/{adapter}/evaluation.json",
    log:
        "logs/evaluate_adapter/{adapter}.log",
    benchmark:
        "benchmarks/results/evaluate_adapter/{adapter}.tsv"
    conda:
        conda_file_of
    threads: 4
    resources:
        mem_mb=memory_for_model,
        runtime=120,
        gpu=1,
    params:
        environment=environment_of,
        names=novels_of,
        settings=config["evaluation"],
        system=config["sampling"]["system"],
        template=asked_template,
        trust_remote_code=runs_own_code,
    script:
        "../scripts/evaluate_adapter.py"
