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


def rivals(wildcards):
    """What must be known of each system beyond base and tuned: another adapter of the config, or an endpoint."""
    found = {}
    for name in config["sampling"]["systems"]:
        if name in config["adapters"]:
            model = config["models"][config["adapters"][name]["model"]]
            found[name] = {
                "adapter": f"results/adapters/{name}",
                "model": f"results/models/{config['adapters'][name]['model']}/hf",
                "template": model["template"],
                "trust_remote_code": model["trust_remote_code"],
            }
        elif name in config["endpoints"]:
            found[name] = {"endpoint": name, "identity": endpoint_identity(name), "gguf": gguf_of(name) or None}
        elif name not in ("base", "tuned"):
            raise WorkflowError(
                f"sampling.systems names {name!r}, which is neither base nor tuned, and no key of adapters or endpoints"
            )
    return found


def rival_files(wildcards):
    """The weights of the other adapters and of embedded endpoints that are compared."""
    files = []
    for name, rival in rivals(wildcards).items():
        if "endpoint" in rival:
            files += [rival["gguf"]] if rival["gguf"] else []
        else:
            files += [f"{rival['adapter']}/adapter_model.safetensors", *hf_files(config["adapters"][name]["model"])]
    return files


rule sample_outputs:
    """Continue held-out prompts with every system of `sampling.systems`, each prompt by its own seed."""
    input:
        test=test_rows,
        adapter="results/adapters/{adapter}/adapter_model.safetensors",
        adapter_config="results/adapters/{adapter}/adapter_config.json",
        model=model_files,
        rival_files=rival_files,
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
        rivals=rivals,
    conda:
        "../envs/train.yaml"
    script:
        "../scripts/sample_outputs.py"
