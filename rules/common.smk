# The configuration, checked and completed, and the functions that find a rule's inputs by its wildcards.

import glob
import math
import os
import re
import sys

from snakemake.exceptions import WorkflowError

# This workflow's own folder, also where another workflow uses it as a module.
HOME = os.path.dirname(workflow.current_basedir.get_path_or_uri(secret_free=True))
if not os.path.isdir(HOME):
    raise WorkflowError(
        f"{HOME} is no folder here: a module of this workflow needs a clone, since its scripts share a package"
    )
sys.path.insert(0, os.path.join(HOME, "scripts"))

from xuxie.config.completion import complete_config
from xuxie.errors import UserError
from xuxie.export.quantisations import CONVERTED, QUANTISED

# Snakemake hands --configfile on to the jobs that it submits, but not --replace-workflow-config: they would merge the file with
# config/config.yaml and see novels that nobody asked for. So each job is told by a mark in its own --config.
REPLACED = "config_was_replaced"

if workflow.config_settings.replace_workflow_config:
    workflow.config_settings.config_args = [
        *workflow.config_settings.config_args,
        f"{REPLACED}=True",
    ]
if config.pop(REPLACED, False):
    config.clear()
    config.update(
        {
            key: value
            for key, value in workflow.config_settings.overwrite_config.items()
            if key != REPLACED
        }
    )

try:
    complete_config(config, workflow.source_path("../config/schema.yaml"))
except UserError as error:
    raise WorkflowError(error) from None


wildcard_constraints:
    novel="[^/]+",
    dataset="[^/]+",
    adapter="[^/]+",
    model="[^/]+",
    scorer="[^/]+",
    shard=r"\d+-of-\d+",


def packaged(path):
    """A file of this workflow, wherever the working directory is; relative, so that moving both reruns nothing."""
    return os.path.relpath(os.path.join(HOME, path))


def configured(path):
    """A function of the wildcards: the value at a path of the config, such as novels/{novel}/encoding.

    Snakemake's own `lookup` walks through the whole config at each call: with a thousand novels that takes hours.
    """
    parts = path.split("/")

    def value(wildcards):
        found = config
        for part in parts[:-1]:
            found = found[part.format(**wildcards)]
        return found[parts[-1]]

    return value


def novel_files(wildcards):
    return source_files(wildcards.novel)


def in_reading_order(files):
    """Sort as a person would: 第2章 before 第10章. The module is loaded only where there is something to sort."""
    if len(files) < 2:
        return files
    from xuxie.text.sources import reading_order

    return reading_order(files)


def source_files(novel):
    """The source files of a novel, in reading order: a file, a list, a glob or a folder."""
    path = config["novels"][novel]["path"]
    if not isinstance(path, str):
        return path
    pattern = os.path.join(glob.escape(path), "*") if os.path.isdir(path) else path
    return in_reading_order(glob.glob(pattern)) or [path]


def check_sources():
    """Every novel's files are there, said before anything is planned; whether they are text is said by the first rule."""
    for novel in config["novels"]:
        for file in source_files(novel):
            if not os.path.exists(file):
                raise WorkflowError(
                    UserError(
                        f"no file is found at {file}",
                        where=f"config key novels.{novel}.path",
                        remedy="check the path",
                    )
                )


# A default storage provider means that paths are not of this machine.
if not workflow.storage_settings.default_storage_provider:
    check_sources()


def shards_of(novel):
    """The shard names of a novel. They follow its size, which a dry run may ask for without reading the file."""
    size = sum(os.path.getsize(file) for file in source_files(novel) if os.path.exists(file))
    count = max(1, math.ceil(size / config["pairs"]["shard_bytes"]))
    return [f"{index + 1}-of-{count}" for index in range(count)]


def dataset_settings(wildcards):
    return config["datasets"][wildcards.dataset]


def dataset_of(wildcards):
    """The dataset that an adapter is trained on."""
    return config["adapters"][wildcards.adapter]["dataset"]


def model_of(wildcards):
    """The base model of an adapter."""
    return config["adapters"][wildcards.adapter]["model"]


def hf_files(model):
    """A base model: its config, in whose folder the other files lie, and the record that has the hashes of them all."""
    return [f"results/models/{model}/hf/config.json", f"results/models/{model}/model.json"]


def model_files(wildcards):
    """An adapter's base model: its config and its record."""
    return hf_files(model_of(wildcards))


def gguf_of(endpoint):
    """The weights that an embedded endpoint serves; nothing for an endpoint elsewhere."""
    model = config["endpoints"][endpoint]["embedded"]
    return f"results/models/{model}/model.gguf" if model else []


def counting_model(name):
    """The config of the model whose tokens are counted, the first one if none is named; its tokenizer lies beside it."""
    return hf_files(name or next(iter(config["models"])))[0]


def pair_tokenizer():
    """The model that bounds of pairs are counted with; none where all bounds are in characters."""
    return (
        counting_model(config["pairs"]["model"])
        if any(length["tokens"] for length in config["pairs"]["lengths"])
        else []
    )


def endpoint_identity(name):
    """What of an endpoint shapes its answers. Limits and prices do not, so a change of them runs nothing again."""
    endpoint = config["endpoints"][name]
    return {
        "name": name,
        "model": endpoint["identity"] or endpoint["embedded"] or endpoint["model"],
    }


def asking():
    """The settings that shape the questions to both roles."""
    return {
        key: config["pairs"][key]
        for key in ("mode", "lengths", "per_chunk", "chunks_per_chapter", "sampling", "seed")
    }


def wording_for(novel):
    """The folder of prompt templates in a novel's language."""
    language = config["novels"][novel]["language"]
    return config["pairs"]["wording"] or packaged(
        f"resources/prompts/{'en' if language == 'en' else 'zh'}"
    )


def wording_of(wildcards):
    return wording_for(wildcards.novel)


def all_wordings(wildcards):
    return [wording_for(novel) for novel in config["novels"]]


def compared_text():
    """The novel that written pairs are compared with; nothing where pairs are its own text."""
    return "results/novels/{novel}/text.txt" if config["pairs"]["mode"] == "write" else []


def scorers_that(method):
    """A wildcard pattern for the names of the scorers of one method; matches nothing if there are none."""
    return (
        "|".join(
            re.escape(name)
            for name, scorer in config["scorers"].items()
            if scorer["method"] == method
        )
        or "$^"
    )


def scorer_settings(wildcards):
    return config["scorers"][wildcards.scorer]


def scorer_model_files(wildcards):
    return hf_files(scorer_settings(wildcards)["model"])


def scorer_trusts_remote_code(wildcards):
    return config["models"][scorer_settings(wildcards)["model"]]["trust_remote_code"]


def judge_gguf(wildcards):
    return gguf_of(scorer_settings(wildcards)["endpoint"])


def judge_endpoint(wildcards):
    return endpoint_identity(scorer_settings(wildcards)["endpoint"])


def judge_calibration(wildcards):
    return scorer_settings(wildcards)["calibration"]


def in_shards(novel, name):
    """The file of this name in every shard of a novel."""
    return [f"results/novels/{novel}/shards/{shard}/{name}" for shard in shards_of(novel)]


def candidates_of_shards(wildcards):
    return in_shards(wildcards.novel, "candidates.jsonl")


def scored_of_shards(wildcards):
    """Every scorer's file of every shard, scorers in the order of the config."""
    return [
        file
        for scorer in config["pairs"]["scorers"]
        for file in in_shards(wildcards.novel, f"scored.{scorer}.jsonl")
    ]


def judges(wildcards):
    """The settings of the scorers in use that ask an endpoint, by name."""
    return {
        name: config["scorers"][name]
        for name in config["pairs"]["scorers"]
        if config["scorers"][name]["method"] == "judge"
    }


def usages_of_shards(wildcards):
    """What the answers of every role that asks an endpoint took, of every shard."""
    names = [
        "candidates.usage.json",
        *(f"scored.{judge}.usage.json" for judge in judges(wildcards)),
    ]
    return [file for name in names for file in in_shards(wildcards.novel, name)]


def of_novels(name):
    """An input function: the file of this name of every novel of a dataset."""

    def files(wildcards):
        return expand(
            "results/novels/{novel}/{name}",
            novel=config["datasets"][wildcards.dataset]["novels"],
            name=name,
        )

    return files


# novel


def chunk_tokenizer(wildcards):
    """The model that a chunk's size is counted with; none where characters count."""
    return counting_model(config["chunks"]["model"]) if config["chunks"]["unit"] == "tokens" else []


# model


def models_from(*sources):
    """A wildcard pattern for the names of the models from these sources; matches nothing if there are none."""
    return (
        "|".join(
            re.escape(name)
            for name, model in config["models"].items()
            if model["source"] in sources
        )
        or "$^"
    )


def catalogue_name(wildcards):
    """What an embedded model is called in the catalogue: its key, unless the entry says otherwise."""
    return config["models"][wildcards.model]["name"] or wildcards.model


def runs_own_code(wildcards):
    """Whether an adapter's base model may run the code in its own folder."""
    return config["models"][model_of(wildcards)]["trust_remote_code"]


def files_of_path_model(wildcards):
    """The files of a model that is on this machine; its config.json at least, so that a missing folder is noticed."""
    folder = config["models"][wildcards.model]["name"]
    return sorted(
        file for file in glob.glob(os.path.join(glob.escape(folder), "*")) if os.path.isfile(file)
    ) or [os.path.join(folder, "config.json")]


# train


def trained_template(wildcards):
    """The template that an adapter's rows are worded with: its model's, unless the adapter is an experiment."""
    adapter = config["adapters"][wildcards.adapter]
    return adapter["train_template"] or config["models"][adapter["model"]]["template"]


def trained_rows(wildcards):
    """The rows to train on, and those to watch."""
    return expand(
        "results/datasets/{dataset}/{split}.jsonl",
        dataset=dataset_of(wildcards),
        split=["train", "val"],
    )


def environment_of(wildcards):
    """The environment that an adapter's base model runs in."""
    return config["models"][model_of(wildcards)]["environment"]


def conda_file_of(wildcards):
    """The same as a conda file."""
    return f"../envs/{environment_of(wildcards)}.yaml"


def gpus_in_all(wildcards):
    """The GPUs of all nodes that an adapter is trained on."""
    adapter = config["adapters"][wildcards.adapter]
    return adapter["gpus"] * adapter["nodes"]


# sample


def asked_with(model):
    """The template that a base model and its adapters are asked with: the model's, unless the sampling is an experiment."""
    return config["sampling"]["template"] or config["models"][model]["template"]


def asked_template(wildcards):
    """The template that an adapter and its base model are asked with."""
    return asked_with(model_of(wildcards))


def test_rows(wildcards):
    """The held-out rows of an adapter's dataset."""
    return f"results/datasets/{dataset_of(wildcards)}/test.jsonl"


def rivals(wildcards):
    """What must be known of each system beyond base and tuned: another adapter of the config, or an endpoint."""
    found = {}
    for name in config["sampling"]["systems"]:
        if name in config["adapters"]:
            model = config["adapters"][name]["model"]
            found[name] = {
                "adapter": f"results/adapters/{name}",
                "model": f"results/models/{model}/hf",
                "template": asked_with(model),
                "trust_remote_code": config["models"][model]["trust_remote_code"],
            }
        elif name in config["endpoints"]:
            found[name] = {
                "endpoint": name,
                "identity": endpoint_identity(name),
                "gguf": gguf_of(name) or None,
            }
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
            files += [
                f"{rival['adapter']}/{file}" for file in ("adapter_model.safetensors", "train.yaml")
            ]
            files += hf_files(config["adapters"][name]["model"])
    return files


# evaluate


def train_rows(wildcards):
    """The rows that an adapter is trained on."""
    return f"results/datasets/{dataset_of(wildcards)}/train.jsonl"


def novels_of(wildcards):
    """The novels of an adapter's dataset."""
    return config["datasets"][dataset_of(wildcards)]["novels"]


def novel_parts(name):
    """An input function for one file of each novel of an adapter's dataset."""

    def files(wildcards):
        return expand("results/novels/{novel}/{name}", novel=novels_of(wildcards), name=name)

    return files


def arbiter_gguf(wildcards):
    """The weights of the judge of samples, if it is embedded."""
    return gguf_of(config["evaluation"]["judge"])


def arbiter_endpoint(wildcards):
    return endpoint_identity(config["evaluation"]["judge"])


def arbiter_wording(wildcards):
    """The judge's question, in the language of the dataset's first novel."""
    novel = config["datasets"][dataset_of(wildcards)]["novels"][0]
    return packaged(
        f"resources/judging/{'en' if config['novels'][novel]['language'] == 'en' else 'zh'}.txt"
    )


def judged_samples(wildcards):
    """The judge's preferences, if there is a judge."""
    return (
        f"results/adapters/{wildcards.adapter}/judged.jsonl"
        if config["evaluation"]["judge"]
        else []
    )


# report


def of_all(what, name):
    """This file of every novel, dataset or adapter, in the order of the config."""
    return expand(f"results/{what}/{{key}}/{name}", key=config[what])


# export


def exported_adapters():
    """The adapters that are taken home."""
    return (
        config["adapters"] if config["export"]["adapters"] is None else config["export"]["adapters"]
    )


def told_system(wildcards):
    """The system prompt that an adapter is asked with: of several wordings, the first."""
    told = config["sampling"]["system"]
    return (
        next(iter(config["datasets"][dataset_of(wildcards)]["system"]), None)
        if told is None
        else told
    )


def told_instruction(wildcards):
    """The instruction before each passage: of several wordings, the first."""
    return config["datasets"][dataset_of(wildcards)]["instruction"][0]


def exported_ggufs(wildcards):
    """The merged model in each quantisation that is asked for, and the adapter."""
    files = expand(
        "results/exports/{adapter}/model.{quantisation}.gguf",
        adapter=wildcards.adapter,
        quantisation=config["export"]["quantisations"],
    )
    return files + (
        [f"results/exports/{wildcards.adapter}/adapter.gguf"]
        if config["export"]["lora_gguf"]
        else []
    )


def likenesses(wildcards):
    """What was found of each GGUF; nothing if no prompts are to be compared."""
    quantisations = (
        config["export"]["quantisations"] if config["export"]["verified_prompts"] else []
    )
    return expand(
        "results/exports/{adapter}/likeness/{quantisation}.json",
        adapter=wildcards.adapter,
        quantisation=quantisations,
    )


def rows_of_splits(wildcards):
    """All rows of an adapter's dataset, by split."""
    return expand(
        "results/datasets/{dataset}/{split}.jsonl",
        dataset=dataset_of(wildcards),
        split=["train", "val", "test"],
    )


def novel_languages(wildcards):
    """The languages of an adapter's novels, by name."""
    return {novel: config["novels"][novel]["language"] for novel in novels_of(wildcards)}


def card_layouts():
    """The model card's template, and the titles of its measures."""
    return [
        packaged(f"resources/export/{file}")
        for file in (f"card.{config['report']['language']}.md.j2", "measures.yaml")
    ]


# store


DELIVERED = {
    "datasets": ["train.jsonl", "val.jsonl", "test.jsonl", "dataset_info.json", "ledger.json"],
    "adapters": [
        "adapter_model.safetensors",
        "adapter_config.json",
        "train.yaml",
        "manifest.json",
        "gates.json",
        "samples.jsonl",
        "evaluation.json",
    ],
}


def stored_files():
    """What the store gets, if there is one."""
    if not config["store"]:
        return []
    paths = [
        f"{what}/{name}/{file}"
        for what, files in DELIVERED.items()
        for name in config[what]
        for file in files
    ]
    return [storage(f"{config['store']}/{path}") for path in ["report.html", *paths]]


# resources
#
# Megabytes of memory and minutes of time. They grow with what a job reads and with its attempt, which Slurm and others are
# told; a plain local run minds neither.


def files_mb(files):
    """The size of those of these files that are there."""
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file)) / 1e6


def memory_for_text(wildcards, input, attempt):
    """Measured: 65 MB for a novel of 2.5 MB, 110 MB for one of 20 MB."""
    return math.ceil((500 + 30 * files_mb(input)) * attempt)


def minutes_for_text(wildcards, input, attempt):
    """Measured: 4 s for 20 MB."""
    return math.ceil((5 + files_mb(input)) * attempt)


def memory_for_rows(wildcards, input, attempt):
    """Rows of JSON are several times larger in memory than on disk; the tokenizer and LLaMA-Factory's modules take the base."""
    return math.ceil((2000 + 20 * files_mb(input)) * attempt)


def minutes_for_rows(wildcards, input, attempt):
    return math.ceil((20 + files_mb(input)) * attempt)


def minutes_for_shard(wildcards, attempt):
    """An embedded model of 0.5 B on two cores needs about 70 minutes for a million bytes of Chinese, all chunks asked about."""
    return math.ceil((30 + 200 * config["pairs"]["shard_bytes"] / 1e6) * attempt)


def memory_to_serve(wildcards, input, attempt):
    """The weights of an embedded endpoint and their cache; little for an endpoint elsewhere."""
    return math.ceil(
        (1000 + 2 * files_mb(file for file in input if file.endswith(".gguf"))) * attempt
    )


def memory_to_convert(wildcards, input, attempt):
    """Weights of four bits become sixteen, and both are held for a while."""
    return math.ceil((2000 + 9 * files_mb(input)) * attempt)


def memory_for_model(wildcards, input, attempt):
    """Three times the weights, which lie beside the model's config.json, and room for the libraries."""
    weights = glob.glob(os.path.join(glob.escape(os.path.dirname(input.model[0])), "*.safetensors"))
    return math.ceil((2500 + 3 * files_mb(weights)) * attempt)


def minutes_to_sample(wildcards, attempt):
    """At 20 tokens a second, as a batch of a 0.5 B model on two cores; a day at most."""
    sampling = config["sampling"]
    tokens = (
        sampling["prompts"]
        * len(sampling["systems"])
        * max(sampling["max_new_tokens"], sampling["target_chars"])
    )
    return min(1440, math.ceil((30 + tokens / 20 / 60) * attempt))


def serving_threads(endpoint):
    """Cores for a job that asks this endpoint: the embedded model computes in it, another one is only waited for."""
    return 8 if gguf_of(endpoint) else 1


def judge_threads(wildcards):
    return serving_threads(scorer_settings(wildcards)["endpoint"])


def arbiter_threads(wildcards):
    return serving_threads(config["evaluation"]["judge"])
