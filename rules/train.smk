# Stage by stage: gates, then LLaMA-Factory trains the LoRA on raw text, on rows, or on the one after the other.
#
# Needs  a dataset's train and val rows and texts, and a base model
# Makes  results/adapters/{adapter}/adapter_model.safetensors with its config, train.yaml, gates.json, loss curve and manifest.json,
#        of the folders of its stages, results/adapters/{adapter}/stages/{stage}


# On a cluster these run where snakemake does: they take seconds.
localrules:
    render_training,
    join_stages,


rule render_training:
    """Check the arguments against LLaMA-Factory's own, and write the YAML that it trains from."""
    output:
        yaml_file="results/adapters/{adapter}/stages/{stage}/train.yaml",
    log:
        "logs/render_training/{adapter}.{stage}.log",
    benchmark:
        "benchmarks/results/render_training/{adapter}.{stage}.tsv"
    conda:
        environment_of("adapter")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        environment=of("adapter.model.environment"),
        train=of_stage("train"),
        stage="{stage}",
        going_on_from=of_stage("folder_before"),
        template=of("adapter.trained_template"),
        trust_remote_code=of("adapter.model.trust_remote_code"),
        dataset=of("adapter.dataset.name"),
        model=of("adapter.model.name"),
    script:
        "../scripts/render_training.py"


rule fit_rows:
    """Shorten prompts that are longer than `cutoff_len`, at a sentence and from the far end, or cut raw text into blocks; draw within the budget; count it all."""
    input:
        yaml_file="results/adapters/{adapter}/stages/{stage}/train.yaml",
        rows=of_stage("rows"),
        texts=of("adapter.dataset.train_text"),
        model=of("adapter.model.files"),
    output:
        fitted=[
            "results/adapters/{adapter}/stages/{stage}/data/train.jsonl",
            "results/adapters/{adapter}/stages/{stage}/data/val.jsonl",
        ],
        registry="results/adapters/{adapter}/stages/{stage}/data/dataset_info.json",
        ledger="results/adapters/{adapter}/stages/{stage}/data/ledger.json",
    log:
        "logs/fit_rows/{adapter}.{stage}.log",
    benchmark:
        "benchmarks/results/fit_rows/{adapter}.{stage}.tsv"
    conda:
        environment_of("adapter")
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        environment=of("adapter.model.environment"),
        tokens=of_stage("tokens"),
    script:
        "../scripts/fit_rows.py"


rule check_gates:
    """Refuse a stage that would fail, or fail without an error: packages, prompts, stop tokens, cut rows, markers, memory."""
    input:
        yaml_file="results/adapters/{adapter}/stages/{stage}/train.yaml",
        train="results/adapters/{adapter}/stages/{stage}/data/train.jsonl",
        model=of("adapter.model.files"),
    output:
        gates="results/adapters/{adapter}/stages/{stage}/gates.json",
    log:
        "logs/check_gates/{adapter}.{stage}.log",
    benchmark:
        "benchmarks/results/check_gates/{adapter}.{stage}.tsv"
    conda:
        environment_of("adapter")
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        environment=of("adapter.model.environment"),
        asking=of("adapter.asking"),
        failing=of("adapter.gates"),
        memory=of("adapter.memory"),
        devices=of("adapter.all_gpus"),
    script:
        "../scripts/check_gates.py"


rule train_adapter:
    """Train one stage with LLaMA-Factory's own command; a run that was cut short goes on from its last checkpoint."""
    input:
        yaml_file="results/adapters/{adapter}/stages/{stage}/train.yaml",
        # They must have passed; that they were asked about something else since makes no other adapter.
        gates=ancient("results/adapters/{adapter}/stages/{stage}/gates.json"),
        train="results/adapters/{adapter}/stages/{stage}/data/train.jsonl",
        val="results/adapters/{adapter}/stages/{stage}/data/val.jsonl",
        registry="results/adapters/{adapter}/stages/{stage}/data/dataset_info.json",
        model=of("adapter.model.files"),
        before=of_stage("adapter_before"),
    output:
        adapter="results/adapters/{adapter}/stages/{stage}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/stages/{stage}/adapter_config.json",
        loss_curve="results/adapters/{adapter}/stages/{stage}/training_loss.png",
        trainer_log="results/adapters/{adapter}/stages/{stage}/trainer_log.jsonl",
        manifest="results/adapters/{adapter}/stages/{stage}/manifest.json",
    log:
        "logs/train_adapter/{adapter}.{stage}.log",
    benchmark:
        "benchmarks/results/train_adapter/{adapter}.{stage}.tsv"
    conda:
        environment_of("adapter")
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


rule join_stages:
    """The adapter as its last stage left it, with one record, one report of gates and one curve of all its stages."""
    input:
        stages=of("adapter.stage_files"),
    output:
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        yaml_file="results/adapters/{adapter}/train.yaml",
        loss_curve=report(
            "results/adapters/{adapter}/training_loss.png",
            category="Adapters",
            subcategory="{adapter}",
            labels={"what": "loss curve"},
            caption="../resources/report/loss_curve.rst",
        ),
        trainer_log="results/adapters/{adapter}/trainer_log.jsonl",
        gates=report(
            "results/adapters/{adapter}/gates.json",
            category="Adapters",
            subcategory="{adapter}",
            labels={"what": "gates"},
            caption="../resources/report/gates.rst",
        ),
        manifest=report(
            "results/adapters/{adapter}/manifest.json",
            category="Adapters",
            subcategory="{adapter}",
            labels={"what": "what it was made from"},
            caption="../resources/report/manifest.rst",
        ),
    log:
        "logs/join_stages/{adapter}.log",
    benchmark:
        "benchmarks/results/join_stages/{adapter}.tsv"
    conda:
        environment_of("adapter")
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        environment=of("adapter.model.environment"),
        folders=of("adapter.stage_folders"),
    script:
        "../scripts/join_stages.py"
