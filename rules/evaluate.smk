# What the adapter is worth, in numbers, each beside what the author's own text gets.


def train_rows(wildcards):
    """The rows that an adapter is trained on."""
    return f"results/datasets/{dataset_of(wildcards)}/train.jsonl"


def novel_parts(name):
    """An input function for one file of each novel of an adapter's dataset."""

    def files(wildcards):
        return expand("results/novels/{novel}/{name}", novel=config["datasets"][dataset_of(wildcards)]["novels"], name=name)

    return files


rule evaluate_adapter:
    """Held-out bits per character, base against tuned, and everything that can be counted in the samples."""
    input:
        train=train_rows,
        test=test_rows,
        texts=novel_parts("text.txt"),
        chapters=novel_parts("chapters.jsonl"),
        samples="results/adapters/{adapter}/samples.jsonl",
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        model=model_files,
    output:
        evaluation="results/adapters/{adapter}/evaluation.json",
    log:
        "logs/evaluate_adapter/{adapter}.log",
    benchmark:
        "benchmarks/results/evaluate_adapter/{adapter}.tsv"
    threads: 4
    resources:
        mem_mb=6000,
        runtime=120,
        gpu=1,
    params:
        settings=config["evaluation"],
        system=config["sampling"]["system"],
        template=asked_template,
        trust_remote_code=runs_own_code,
    conda:
        "../envs/train.yaml"
    script:
        "../scripts/evaluate_adapter.py"
