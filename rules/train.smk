# Gates, then LLaMA-Factory trains a LoRA adapter.
#
# Needs  a dataset's train and val rows, and a base model
# Makes  results/adapters/{adapter}/adapter_model.safetensors with its config, train.yaml, gates.json, loss curve and manifest.json


rule render_training:
    """Check the arguments against LLaMA-Factory's own, and write the YAML that it trains from."""
    output:
        yaml_file="results/adapters/{adapter}/train.yaml",
    log:
        "logs/render_training/{adapter}.log",
    benchmark:
        "benchmarks/results/render_training/{adapter}.tsv"
    conda:
        environment_file
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        environment=of("adapter.model.environment"),
        train=of("adapter.train"),
        template=of("adapter.trained_template"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
        dataset=of("adapter.dataset.name"),
        model=of("adapter.model.name"),
    script:
        "../scripts/render_training.py"


rule fit_rows:
    """Shorten, at a sentence and from its far end, the prompt of each row that is longer than `cutoff_len`; count it."""
    input:
        yaml_file="results/adapters/{adapter}/train.yaml",
        rows=expand(
            "results/datasets/{dataset}/{split}.jsonl",
            dataset=of("adapter.dataset.name"),
            split=["train", "val"],
        ),
        model=of("adapter.model.files"),
    output:
        fitted=[
            "results/adapters/{adapter}/data/train.jsonl",
            "results/adapters/{adapter}/data/val.jsonl",
        ],
        registry="results/adapters/{adapter}/data/dataset_info.json",
        ledger="results/adapters/{adapter}/data/ledger.json",
    log:
        "logs/fit_rows/{adapter}.log",
    benchmark:
        "benchmarks/results/fit_rows/{adapter}.tsv"
    conda:
        environment_file
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        environment=of("adapter.model.environment"),
    script:
        "../scripts/fit_rows.py"


rule check_gates:
    """Refuse a run that would fail without an error: prompts, stop tokens, cut rows, markers, memory."""
    input:
        yaml_file="results/adapters/{adapter}/train.yaml",
        train="results/adapters/{adapter}/data/train.jsonl",
        model=of("adapter.model.files"),
    output:
        gates="results/adapters/{adapter}/gates.json",
    log:
        "logs/check_gates/{adapter}.log",
    benchmark:
        "benchmarks/results/check_gates/{adapter}.tsv"
    conda:
        environment_file
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        environment=of("adapter.model.environment"),
        asked_template=of("adapter.asked_template"),
        system=settings.sampling["system"],
        failing=of("adapter.gates"),
        memory=of("adapter.memory"),
    script:
        "../scripts/check_gates.py"


rule train_adapter:
    """Train a LoRA adapter with LLaMA-Factory's own command; a run that was cut short goes on from its last checkpoint."""
    input:
        yaml_file="results/adapters/{adapter}/train.yaml",
        gates="results/adapters/{adapter}/gates.json",
        train="results/adapters/{adapter}/data/train.jsonl",
        val="results/adapters/{adapter}/data/val.jsonl",
        registry="results/adapters/{adapter}/data/dataset_info.json",
        model=of("adapter.model.files"),
    output:
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        loss_curve="results/adapters/{adapter}/training_loss.png",
        trainer_log="results/adapters/{adapter}/trainer_log.jsonl",
        manifest="results/adapters/{adapter}/manifest.json",
    log:
        "logs/train_adapter/{adapter}.log",
    benchmark:
        "benchmarks/results/train_adapter/{adapter}.tsv"
    conda:
        environment_file
    threads: 8
    resources:
        mem_mb=memory_for_model,
        runtime=1440,
        gpu=of("adapter.all_gpus"),
    params:
        environment=of("adapter.model.environment"),
        gpus=of("adapter.gpus"),
        nodes=of("adapter.nodes"),
    script:
        "../scripts/train_adapter.py"
