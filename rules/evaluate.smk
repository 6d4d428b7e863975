# What the adapter is worth, in numbers, each beside what the author's own text gets.


def train_rows(wildcards):
    """The rows that an adapter is trained on."""
    return f"results/datasets/{dataset_of(wildcards)}/train.jsonl"


def novel_parts(name):
    """An input function for one file of each novel of an adapter's dataset."""

    def files(wildcards):
        return expand("results/novels/{novel}/{name}", novel=config["datasets"][dataset_of(wildcards)]["novels"], name=name)

    return files


def arbiter_gguf(wildcards):
    """The weights of the judge of samples, if it is embedded."""
    return gguf_of(config["evaluation"]["judge"])


def arbiter_endpoint(wildcards):
    return endpoint_identity(config["evaluation"]["judge"])


def arbiter_wording(wildcards):
    """The judge's question, in the language of the dataset's first novel."""
    novel = config["datasets"][dataset_of(wildcards)]["novels"][0]
    return packaged(f"resources/judging/{'en' if config['novels'][novel]['language'] == 'en' else 'zh'}.txt")


def judged_samples(wildcards):
    """The judge's preferences, if there is a judge."""
    return f"results/adapters/{wildcards.adapter}/judged.jsonl" if config["evaluation"]["judge"] else []


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
    threads: 4
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        endpoint=arbiter_endpoint,
        prompts=config["evaluation"]["judged"],
        seed=config["evaluation"]["seed"],
    conda:
        "../envs/llm.yaml"
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
