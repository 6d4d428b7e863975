"""From a complete configuration to its settings: every name becomes the entry that it points to."""

import os
from pathlib import Path

from xuxie.config.adapter import Adapter
from xuxie.config.attribution import attributions_of
from xuxie.config.dataset import Dataset
from xuxie.config.endpoint import Endpoint
from xuxie.config.export import Export
from xuxie.config.model import Model, files_in
from xuxie.config.novel import Novel
from xuxie.config.pairs import Pairs, Scorer
from xuxie.config.settings import Settings
from xuxie.config.stages import stages_of
from xuxie.pairs.templates import OF_GENERATOR, OF_JUDGE, OF_SKETCH
from xuxie.runtime.clone import REPOSITORY
from xuxie.sampling.authors import BASE, TUNED


def resolve(config: dict, resources: str | Path = REPOSITORY / "resources") -> Settings:
    """Make the settings of a configuration that `complete_config` has checked and completed.

    Args:
        resources: the folder of the prompt templates.
    """
    # A server is started once for all that a job asks it.
    shard_bytes = None if _asks_own_servers(config) else config["pairs"]["shard_bytes"]
    novels = {
        name: _novel(name, entry, config["pairs"], shard_bytes, resources)
        for name, entry in config["novels"].items()
    }
    models = {name: _model(name, entry) for name, entry in config["models"].items()}
    endpoints = {
        name: _endpoint(name, entry, models) for name, entry in config["endpoints"].items()
    }
    scorers = {
        name: _scorer(name, entry, models, endpoints) for name, entry in config["scorers"].items()
    }
    datasets = {
        name: _dataset(name, entry, novels, models, config["pairs"], resources)
        for name, entry in config["datasets"].items()
    }
    sampling, evaluation = config["sampling"], config["evaluation"]
    adapters = {
        name: _adapter(name, entry, models[entry["model"]], datasets[entry["dataset"]], sampling)
        for name, entry in config["adapters"].items()
    }
    systems: dict[str, Adapter | Endpoint] = {**adapters, **endpoints}
    return Settings(
        novels,
        models,
        endpoints,
        scorers,
        datasets,
        adapters,
        attributions=attributions_of(adapters.values()),
        chunk_size=config["chunks"]["size"],
        chunk_tokenizer=_tokenizer(
            config["chunks"]["unit"] == "tokens", config["chunks"]["model"], models
        ),
        pairs=_pairs(config["pairs"], endpoints, scorers, models),
        sampling=sampling,
        decoding=config["decoding"],
        evaluation=evaluation,
        samples_judge=endpoints[evaluation["judge"]] if evaluation["judge"] else None,
        paraphraser=endpoints[evaluation["paraphraser"]] if evaluation["paraphraser"] else None,
        rivals={name: systems[name] for name in sampling["systems"] if name not in (BASE, TUNED)},
        export=_export(config["export"], list(adapters)),
        blind=config["blind"],
        language=config["report"]["language"],
        title=config["report"]["title"] or "、".join(novels),
        store=config["store"],
    )


def _asks_own_servers(config: dict) -> bool:
    """Whether one of the two roles is played by a server that each job starts for itself."""
    generator = config["pairs"]["generator"]
    if not generator:
        return False
    scorers = [config["scorers"][name] for name in config["pairs"]["scorers"]]
    asked = [generator, *(scorer["endpoint"] for scorer in scorers if "endpoint" in scorer)]
    return any(config["endpoints"][name]["serve"] for name in asked)


def _novel(
    name: str, entry: dict, pairs: dict, shard_bytes: int | None, resources: str | Path
) -> Novel:
    language = _asked_language(entry["language"])
    folder = _prompt_folder(pairs, language, resources)

    def templates(names: tuple[str, ...]) -> list[str]:
        return [f"{folder}/{template}.txt" for template in names]

    return Novel(
        name,
        **entry,
        generator_templates=templates(OF_GENERATOR[pairs["mode"]]),
        judge_templates=templates(OF_JUDGE),
        shard_bytes=shard_bytes,
    )


def _prompt_folder(pairs: dict, language: str, resources: str | Path) -> str:
    """Where the prompt templates in a language lie: the user's own, or those of this workflow."""
    return pairs["prompt_templates"] or f"{resources}/prompts/{language}"


def _asked_language(novel: str) -> str:
    """The language that an LLM is asked in about a novel of a language: English or, for any other, Chinese."""
    return "en" if novel == "en" else "zh"


def _model(name: str, entry: dict) -> Model:
    return Model(
        name,
        source_name=entry["name"] or name,
        **_some(entry, "source", "revision", "template", "environment", "trust_remote_code"),
    )


def _endpoint(name: str, entry: dict, models: dict[str, Model]) -> Endpoint:
    return Endpoint(
        name,
        answering=entry["identity"] or entry["embedded"] or entry["model"],
        embedded=bool(entry["embedded"]),
        serve=entry["serve"],
        weights=_served_files(entry, models),
        by_batch=bool(entry["batch"]),
    )


def _served_files(endpoint: dict, models: dict[str, Model]) -> list[str]:
    """The files of the model that a job serves to ask this endpoint."""
    if endpoint["embedded"]:
        return [models[endpoint["embedded"]].gguf]
    served = endpoint["serve"]["model"] if endpoint["serve"] else None
    if served is None:
        return []
    return models[served].files if served in models else files_in(served) or [served]


def _scorer(
    name: str, entry: dict, models: dict[str, Model], endpoints: dict[str, Endpoint]
) -> Scorer:
    by_likelihood = entry["method"] == "likelihood"
    return Scorer(
        name,
        entry["method"],
        entry,
        model=models[entry["model"]] if by_likelihood else None,
        endpoint=None if by_likelihood else endpoints[entry["endpoint"]],
    )


def _pairs(
    section: dict,
    endpoints: dict[str, Endpoint],
    scorers: dict[str, Scorer],
    models: dict[str, Model],
) -> Pairs | None:
    if not section["generator"]:
        return None
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


def _dataset(
    name: str,
    entry: dict,
    novels: dict[str, Novel],
    models: dict[str, Model],
    pairs: dict,
    resources: str | Path,
) -> Dataset:
    own = tuple(novels[novel] for novel in entry["novels"])
    language = _asked_language(own[0].language)
    return Dataset(
        name,
        entry,
        own,
        language,
        pairs["generator"],
        sketch_templates=[
            f"{_prompt_folder(pairs, language, resources)}/{template}.txt" for template in OF_SKETCH
        ],
        sketch_model=models[entry["rows"]["outlines"]["model"] or next(iter(models))],
        preference_template=f"{resources}/judging/{language}.txt",
        paraphrase_template=f"{resources}/paraphrasing/{language}.txt",
        foreign_text=_foreign_text(own, novels, resources),
    )


def _foreign_text(
    own: tuple[Novel, ...], novels: dict[str, Novel], resources: str | Path
) -> str | list:
    """Another author's text in the language of these: the sample novel, which is Chinese, or the first other novel of the configuration.

    The sample novel is always there; with another one, a file that cannot be read would hold up the exams of all the others.
    """
    language = _asked_language(own[0].language)
    sample = f"{resources}/novels/ban-jin-du.txt"
    read = {os.path.realpath(file) for novel in own for file in novel.files}
    if language == "zh" and os.path.realpath(sample) not in read:
        return sample
    others = (novel for novel in novels.values() if novel not in own)
    return next(
        (
            f"results/novels/{novel.name}/text.txt"
            for novel in others
            if _asked_language(novel.language) == language
        ),
        [],
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


def _export(section: dict, adapters: list[str]) -> Export:
    chosen = adapters if section["adapters"] is None else section["adapters"]
    return Export(**{**section, "adapters": chosen})


def _some(entry: dict, *keys: str) -> dict:
    return {key: entry[key] for key in keys}
