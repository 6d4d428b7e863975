# The base model and the adapter continue the same held-out prompts.


rule sample_outputs:
    """Continue held-out prompts with every system of `sampling.systems`, each prompt by its own seed."""
    input:
        test=test_rows,
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        trained_with="results/adapters/{adapter}/train.yaml",
        model=model_files,
        rival_files=rival_files,
    output:
        samples="results/adapters/{adapter}/samples.jsonl",
    log:
        "logs/sample_outputs/{adapter}.log",
    benchmark:
        "benchmarks/results/sample_outputs/{adapter}.tsv"
    conda:
        conda_file_of
    threads: 4
    resources:
        mem_mb=memory_for_model,
        runtime=minutes_to_sample,
        gpu=1,
    params:
        environment=environment_of,
        sampling=config["sampling"],
        template=asked_template,
        trust_remote_code=runs_own_code,
        rivals=rivals,
    script:
        "../scripts/sample_outputs.py"
