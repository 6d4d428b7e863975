# Gates, then LLaMA-Factory trains a LoRA adapter.


def trained_template(wildcards):
    """The template that an adapter's rows are worded with: its model's, unless the adapter is an experiment."""
    adapter = config["adapters"][wildcards.adapter]
    return adapter["train_template"] or config["models"][adapter["model"]]["template"]


def dataset_files(wildcards):
    """The rows to train on and to watch, and LLaMA-Factory's registry of them."""
    return expand(
        "results/datasets/{dataset}/{file}", dataset=dataset_of(wildcards), file=["train.jsonl", "val.jsonl", "dataset_info.json"]
    )


rule render_training:
    """Write the YAML that LLaMA-Factory trains from."""
    output:
        yaml_file="results/adapters/{adapter}/train.yaml",
    log:
        "logs/render_training/{adapter}.log",
    benchmark:
        "benchmarks/results/render_training/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        train=lookup(within=config, dpath="adapters/{adapter}/train"),
        template=trained_template,
        trust_remote_code=runs_own_code,
        dataset=dataset_of,
        model=model_of,
    script:
        "../scripts/render_training.py"


rule train_adapter:
    """Train a LoRA adapter with LLaMA-Factory's own command, on the GPU if there is one."""
    input:
        yaml_file="results/adapters/{adapter}/train.yaml",
        dataset=dataset_files,
        model=model_files,
    output:
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        loss_curve="results/adapters/{adapter}/training_loss.png",
        trainer_log="results/adapters/{adapter}/trainer_log.jsonl",
    log:
        "logs/train_adapter/{adapter}.log",
    benchmark:
        "benchmarks/results/train_adapter/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: workflow.cores
    resources:
        mem_mb=6000,
        runtime=1440,
        gpu=1,
    script:
        "../scripts/train_adapter.py"
