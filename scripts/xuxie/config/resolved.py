"""What the configuration means, in one object that rules, scripts and the chat ask.

The object is made once of a complete configuration. Names have become the entries that they point
to, and what follows from several keys is answered here alone: the template that asks an adapter,
the system prompt that it is told, the systems that it is compared with. Snakemake asks for every
job, so no answer may take longer with more novels.
"""

import glob
import math
import os
from dataclasses import dataclass
from pathlib import Path

from xuxie.config.stages import Stage, stages_of
from xuxie.errors import UserError
from xuxie.pairs.shards import shard_names
from xuxie.pairs.templates import OF_GENERATOR, OF_JUDGE
from xuxie.runtime.clone import REPOSITORY

#: What the store gets of each dataset and of each adapter.
DELIVERED_DATA = (
    "train.jsonl",
    "val.jsonl",
    "test.jsonl",
    "train_text.jsonl",
    "val_text.jsonl",
    "dataset_info.json",
    "ledger.json",
)
DELIVERED_LORA = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "train.yaml",
    "manifest.json",
    "gates.json",
    "samples.jsonl",
    "evaluation.json",
)


@dataclass(frozen=True)
class Novel:
    """A novel, and how its files become text.

    Attributes:
        path: its source as configured: a file, several, a glob or a folder.
        generator_templates, judge_templates: files of the prompt templates of both roles.
        shard_bytes: about how many bytes of it make one shard.
    """

    name: str
    path: str | list[str]
    language: str
    encoding: str | None
    on_bad_bytes: str
    watermarks: list[str]
    normalise: dict
    chapter_pattern: str | None
    scene_size: int
    generator_templates: list[str]
    judge_templates: list[str]
    shard_bytes: int

    @property
    def files(self) -> list[str]:
        """The source files in reading order: 第2章 before 第10章. Of a pattern that matches nothing, itself."""
        if not isinstance(self.path, str):
            return self.path
        folder = os.path.isdir(self.path)
        found = glob.glob(os.path.join(glob.escape(self.path), "*") if folder else self.path)
        if len(found) < 2:
            return found or [self.path]
        from xuxie.text.sources import reading_order

        return reading_order(found)

    @property
    def shards(self) -> list[str]:
        """The names of its shards. They follow the size of its files, which nobody need read for it."""
        size = sum(os.path.getsize(file) for file in self.files if os.path.exists(file))
        return shard_names(math.ceil(size / self.shard_bytes))


@dataclass(frozen=True)
class Model:
    """A base model.

    Attributes:
        source_name: what its source calls it: a name in the catalogue or of a hub, or a folder.
        template: the LLaMA-Factory template that it is talked to with.
        environment: the environment that its code runs in.
    """

    name: str
    source: str
    source_name: str
    revision: str | None
    template: str
    environment: str
    trust_remote_code: bool

    @property
    def gguf(self) -> str:
        """The weights that are served where the model is embedded."""
        return f"results/models/{self.name}/model.gguf"

    @property
    def config_file(self) -> str:
        """Its config.json; the Hugging Face folder's other files lie beside it."""
        return f"results/models/{self.name}/hf/config.json"

    @property
    def files(self) -> list[str]:
        """Its config.json, and the record that has the hashes of all files of that folder."""
        return [self.config_file, f"results/models/{self.name}/model.json"]

    @property
    def source_files(self) -> list[str]:
        """The files of a model that is on this machine; its config.json at least, so that a missing folder is noticed."""
        found = glob.glob(os.path.join(glob.escape(self.source_name), "*"))
        return sorted(filter(os.path.isfile, found)) or [
            os.path.join(self.source_name, "config.json")
        ]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, as far as it shapes answers: its limits and prices are no part of it.

    Attributes:
        answering: the model that answers, as the journal knows it.
        embedded: the model that is served here; None for an endpoint elsewhere.
    """

    name: str
    answering: str
    embedded: Model | None

    @property
    def identity(self) -> dict[str, str]:
        """What a rule is told of it: while this is the same, so are the answers."""
        return {"name": self.name, "model": self.answering}

    @property
    def gguf(self) -> str | list:
        """The weights that it serves; nothing, which Snakemake writes as [], for an endpoint elsewhere."""
        return self.embedded.gguf if self.embedded else []

    @property
    def threads(self) -> int:
        """Cores for a job that asks it: an embedded model computes in the job, another one is only waited for."""
        return 8 if self.embedded else 1

    @property
    def as_rival(self) -> dict:
        """What the sampling of an adapter that is compared with it must know."""
        return {"endpoint": self.name, "identity": self.identity, "gguf": self.gguf or None}

    @property
    def files_as_rival(self) -> list[str]:
        """The weights that are loaded for that."""
        return [self.gguf] if self.gguf else []


@dataclass(frozen=True)
class Scorer:
    """A scorer of pairs: by the likelihood of a `model`, or by a judge at an `endpoint`.

    Attributes:
        entry: its whole entry in the configuration.
    """

    name: str
    method: str
    entry: dict
    model: Model | None
    endpoint: Endpoint | None

    @property
    def calibration(self) -> float:
        """The share of pairs of which a judge also marks a negative."""
        return self.entry["calibration"]


@dataclass(frozen=True)
class Pairs:
    """How pairs are made and chosen.

    Attributes:
        scorers: those in use, by name, in the order of the configuration.
        tokenizer: config.json of the model whose tokens bound lengths; nothing ([]) where characters do.
        asking: the settings that shape the questions to both roles.
        written: whether the generator writes pairs of its own instead of pointing to the novel's.
    """

    generator: Endpoint
    scorers: dict[str, Scorer]
    tokenizer: str | list
    asking: dict
    written: bool
    threshold: float
    near_duplicate: float
    max_overlap: float
    seed: int

    @property
    def judges(self) -> dict[str, Scorer]:
        """The scorers in use that ask an endpoint, by name."""
        return {name: scorer for name, scorer in self.scorers.items() if scorer.endpoint}


@dataclass(frozen=True)
class Dataset:
    """Some novels, as rows to train on.

    Attributes:
        entry: its whole entry in the configuration.
        generator: the endpoint that proposes pairs of its novels; None if no LLM is asked.
        preference_template: the question to the judge of samples, in the language of the first novel.
    """

    name: str
    entry: dict
    novels: tuple[Novel, ...]
    generator: str | None
    preference_template: str

    @property
    def asked_novels(self) -> list[str]:
        """The novels that an LLM is asked about: all or none."""
        return self.novel_names if self.generator else []

    @property
    def novel_names(self) -> list[str]:
        return self.entry["novels"]

    @property
    def languages(self) -> dict[str, str]:
        """The novels' languages by name."""
        return {novel.name: novel.language for novel in self.novels}

    @property
    def train(self) -> str:
        """The rows to train on."""
        return f"results/datasets/{self.name}/train.jsonl"

    @property
    def train_text(self) -> str:
        """The training chapters as they stand."""
        return f"results/datasets/{self.name}/train_text.jsonl"

    @property
    def test(self) -> str:
        """The held-out rows."""
        return f"results/datasets/{self.name}/test.jsonl"

    @property
    def history_turns(self) -> int:
        """The most earlier turns that its rows have, and a question is asked with."""
        history = self.entry["history"]
        return history["turns"][1] if history["share"] else 0

    @property
    def instruction(self) -> str:
        """The instruction before each passage: of several wordings, the first."""
        return self.entry["instruction"][0]

    @property
    def system(self) -> str | None:
        """The system prompt of its rows: of several wordings, the first; None if they have none."""
        return next(iter(self.entry["system"]), None)


@dataclass(frozen=True)
class Adapter:
    """A LoRA of a model, trained on a dataset.

    Attributes:
        stages: what its LoRA is trained on, by name, in the order of training.
        gates: what a failed gate does: `refuse` or `warn`.
        memory: of the device that trains, in GiB; None for this machine's.
        gpus, nodes: GPUs of each node, and how many nodes.
        trained_template: what its rows are worded with: its model's template, unless it is an experiment.
        asked_template: what it and its base model are asked with: their own, unless the sampling is an experiment.
        system: the system prompt that it is asked with; None if none.
        asking: how it is asked, as far as its rows must be worded alike.
    """

    name: str
    dataset: Dataset
    model: Model
    stages: dict[str, Stage]
    gates: str
    memory: float | None
    gpus: int
    nodes: int
    trained_template: str
    asked_template: str
    system: str | None
    asking: dict

    @property
    def all_gpus(self) -> int:
        """The GPUs of all nodes."""
        return self.gpus * self.nodes

    @property
    def folder(self) -> str:
        return f"results/adapters/{self.name}"

    @property
    def stage_folders(self) -> list[str]:
        """The folders of its stages, in the order of training."""
        return [stage.folder for stage in self.stages.values()]

    @property
    def stage_files(self) -> list[str]:
        """What its stages leave to it."""
        return [file for stage in self.stages.values() for file in stage.recorded]

    @property
    def files_as_rival(self) -> list[str]:
        """What is loaded of it where another adapter is compared with it."""
        own = [f"{self.folder}/{file}" for file in ("adapter_model.safetensors", "train.yaml")]
        return [*own, *self.model.files]

    @property
    def as_rival(self) -> dict:
        """What the sampling of another adapter must know of it."""
        return {
            "adapter": self.folder,
            "model": os.path.dirname(self.model.config_file),
            "template": self.asked_template,
            "history_turns": self.dataset.history_turns,
            "trust_remote_code": self.model.trust_remote_code,
        }


@dataclass(frozen=True)
class Export:
    """What is taken home of which adapters."""

    adapters: list[str]
    quantisations: list[str]
    lora_gguf: bool
    pre_tokenizer: str | None
    verified_prompts: int
    rights: str | None
    show_samples: bool

    @property
    def ggufs(self) -> list[str]:
        """The merged model in each quantisation, and the adapter."""
        merged = [f"model.{quantisation}.gguf" for quantisation in self.quantisations]
        return [*merged, "adapter.gguf"] if self.lora_gguf else merged

    @property
    def verified(self) -> list[str]:
        """The quantisations that are compared with the folder that they were made from."""
        return self.quantisations if self.verified_prompts else []


@dataclass(frozen=True)
class Settings:
    """The whole configuration, resolved; entries by name, in the order of the configuration.

    Attributes:
        chunk_size: the size of a chunk.
        chunk_tokenizer: config.json of the model whose tokens are its unit; nothing ([]) where characters are.
        pairs: how they are made; None if no LLM is asked.
        sampling, evaluation, blind: these sections as configured.
        samples_judge: the endpoint that compares samples; None if nobody does.
        rivals: the systems beyond base and tuned that every adapter is compared with, by name.
        language, title: of the pages that are written for people.
        store: where finished files are copied to; None if nowhere.
    """

    novels: dict[str, Novel]
    models: dict[str, Model]
    endpoints: dict[str, Endpoint]
    scorers: dict[str, Scorer]
    datasets: dict[str, Dataset]
    adapters: dict[str, Adapter]
    chunk_size: int
    chunk_tokenizer: str | list
    pairs: Pairs | None
    sampling: dict
    evaluation: dict
    samples_judge: Endpoint | None
    rivals: dict[str, Adapter | Endpoint]
    export: Export
    blind: dict
    language: str
    title: str
    store: str | None

    @property
    def asked_novels(self) -> list[str]:
        """The novels that an LLM is asked about: all or none."""
        return list(self.novels) if self.pairs else []

    def models_from(self, *sources: str) -> list[str]:
        """The names of the models from these sources."""
        return [model.name for model in self.models.values() if model.source in sources]

    def scorers_by(self, method: str) -> list[str]:
        """The names of the scorers of a method."""
        return [scorer.name for scorer in self.scorers.values() if scorer.method == method]

    @property
    def delivered(self) -> list[str]:
        """The finished files under results/ that the store gets; none if there is no store."""
        if not self.store:
            return []
        datasets = [f"datasets/{name}/{file}" for name in self.datasets for file in DELIVERED_DATA]
        adapters = [f"adapters/{name}/{file}" for name in self.adapters for file in DELIVERED_LORA]
        return ["report.html", *datasets, *adapters]

    def check_sources(self) -> None:
        """Every novel's files are there, said before anything is planned; whether they are text is said by the first rule.

        Raises:
            UserError: a file is missing.
        """
        for novel in self.novels.values():
            for file in novel.files:
                if not os.path.exists(file):
                    raise UserError(
                        f"no file is found at {file}",
                        where=f"config key novels.{novel.name}.path",
                        remedy="check the path",
                    )


def resolve(config: dict, resources: str | Path = REPOSITORY / "resources") -> Settings:
    """Make the object of a configuration that `complete_config` has checked and completed.

    Args:
        resources: the folder of the prompt templates.
    """
    in_language = {
        name: "en" if novel["language"] == "en" else "zh"
        for name, novel in config["novels"].items()
    }

    def templates(novel: str, names: tuple[str, ...]) -> list[str]:
        folder = config["pairs"]["prompt_templates"] or f"{resources}/prompts/{in_language[novel]}"
        return [f"{folder}/{name}.txt" for name in names]

    novels = {
        name: Novel(
            name,
            **entry,
            generator_templates=templates(name, OF_GENERATOR[config["pairs"]["mode"]]),
            judge_templates=templates(name, OF_JUDGE),
            shard_bytes=config["pairs"]["shard_bytes"],
        )
        for name, entry in config["novels"].items()
    }
    models = {
        name: Model(
            name,
            source_name=entry["name"] or name,
            **_some(entry, "source", "revision", "template", "environment", "trust_remote_code"),
        )
        for name, entry in config["models"].items()
    }
    endpoints = {
        name: Endpoint(
            name,
            answering=entry["identity"] or entry["embedded"] or entry["model"],
            embedded=models[entry["embedded"]] if entry["embedded"] else None,
        )
        for name, entry in config["endpoints"].items()
    }
    scorers = {
        name: Scorer(
            name,
            entry["method"],
            entry,
            model=models.get(entry.get("model")),
            endpoint=endpoints.get(entry.get("endpoint")),
        )
        for name, entry in config["scorers"].items()
    }
    datasets = {
        name: Dataset(
            name,
            entry,
            tuple(novels[novel] for novel in entry["novels"]),
            config["pairs"]["generator"],
            preference_template=f"{resources}/judging/{in_language[entry['novels'][0]]}.txt",
        )
        for name, entry in config["datasets"].items()
    }
    sampling, evaluation, export = config["sampling"], config["evaluation"], config["export"]
    adapters = {
        name: _adapter(name, entry, models[entry["model"]], datasets[entry["dataset"]], sampling)
        for name, entry in config["adapters"].items()
    }
    return Settings(
        novels,
        models,
        endpoints,
        scorers,
        datasets,
        adapters,
        chunk_size=config["chunks"]["size"],
        chunk_tokenizer=_tokenizer(
            config["chunks"]["unit"] == "tokens", config["chunks"]["model"], models
        ),
        pairs=_pairs(config["pairs"], endpoints, scorers, models)
        if config["pairs"]["generator"]
        else None,
        sampling=sampling,
        evaluation=evaluation,
        samples_judge=endpoints[evaluation["judge"]] if evaluation["judge"] else None,
        rivals={
            name: (adapters | endpoints)[name]
            for name in sampling["systems"]
            if name not in ("base", "tuned")
        },
        export=Export(
            **export
            | {"adapters": list(adapters) if export["adapters"] is None else export["adapters"]}
        ),
        blind=config["blind"],
        language=config["report"]["language"],
        title=config["report"]["title"] or "、".join(novels),
        store=config["store"],
    )


def _adapter(name: str, entry: dict, model: Model, dataset: Dataset, sampling: dict) -> Adapter:
    asked_template = sampling["template"] or model.template
    return Adapter(
        name,
        dataset,
        model,
        stages=stages_of(name, entry),
        **_some(entry, "gates", "memory", "gpus", "nodes"),
        trained_template=entry["train_template"] or model.template,
        asked_template=asked_template,
        system=dataset.system if sampling["system"] is None else sampling["system"],
        asking={
            "template": asked_template,
            "history_turns": dataset.history_turns,
            **_some(sampling, "system", "target_chars", "max_new_tokens", "batch_size"),
        },
    )


def _pairs(section: dict, endpoints: dict, scorers: dict, models: dict) -> Pairs:
    in_tokens = any(length["tokens"] for length in section["lengths"])
    return Pairs(
        endpoints[section["generator"]],
        {name: scorers[name] for name in section["scorers"]},
        _tokenizer(in_tokens, section["model"], models),
        asking=_some(
            section, "mode", "lengths", "per_chunk", "chunks_per_chapter", "sampling", "seed"
        ),
        written=section["mode"] == "write",
        **_some(section, "threshold", "near_duplicate", "max_overlap", "seed"),
    )


def _tokenizer(in_tokens: bool, name: str | None, models: dict[str, Model]) -> str | list:
    """The config of the model whose tokens are counted, the first one if none is named."""
    return models[name or next(iter(models))].config_file if in_tokens else []


def _some(entry: dict, *keys: str) -> dict:
    return {key: entry[key] for key in keys}
