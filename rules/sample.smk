# The base model and the adapter continue the same held-out prompts.


def asked_template(wildcards):
    """The template that a base model and its adapters are asked with."""
    return config["models"][model_of(wildcards)]["template"]


def runs_own_code(wildcards):
    """Whether an adapter's base model may run the code in its own folder."""
    return config["models"][model_of(wildcards)]["trust_remote_code"]


def test_rows(wildcards):
    """The held-out rows of an adapter's dataset."""
    return f"results/datasets/{dataset_of(wildcards)}/test.jsonl"


rule sample_outputs:
    """Continue held-out prompts with every system of `sampling.systems`, each prompt by its own seed."""
    input:
        test=test_rows,
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        model=model_files,
    output:
        samples="results/adapters/{adapter}/samples.jsonl",
    log:
        "logs/sample_outputs/{adapter}.log",
    benchmark:
        "benchmarks/results/sample_outputs/{adapter}.tsv"
    threads: 4
    resources:
        mem_mb=6000,
        runtime=120,
        gpu=1,
    params:
        sampling=config["sampling"],
        template=asked_template,
        trust_remote_code=runs_own_code,
    conda:
        "../envs/train.yaml"
    script:
        "../scripts/sample_outputs.py"
