"""The configuration: checked against its schema, completed with defaults, its names known."""

import difflib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from xuxie.config.dataset import told_by_an_llm
from xuxie.errors import UserError
from xuxie.runtime.command import check_command
from xuxie.runtime.environments import SHARED

# libyaml's, where PyYAML has it, is eight times faster, and every job reads the schema again.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_LISTED = 20  # names that a message holds at most


def complete_config(config: dict, schema_file: str | Path) -> None:
    """Fill in every default and check every value and name, in place.

    A config without datasets gets one for each novel, one without adapters gets one for each dataset on the
    first model (or the one that `default_adapter` names), made as `default_dataset` and `default_adapter` say, so that two lines that name a novel make a complete config.

    Raises:
        UserError: names the key, what was found and what is allowed.
    """
    schema = yaml.load(Path(schema_file).read_text(encoding="utf-8"), Loader=_LOADER)
    _derive(config, schema)
    error = best_match(_DefaultingValidator(schema).iter_errors(config))
    if error is not None:
        raise _explained(error)
    _check_defaults(config)
    _check_names(config)
    _check_bounds(config)
    _check_cuts(config)
    _check_sketches(config)
    _check_systems(config)
    _check_environments(config)
    _check_batches(config)
    _check_served(config)
    _settle_mode(config)
    _settle_overlap(config)
    _settle_history(config)


def _derive(config: dict, schema: dict) -> None:
    """Datasets from novels and adapters from datasets; what isn't a mapping is left to the schema to refuse."""
    models = config.setdefault("models", _copy(schema["properties"]["models"]["default"]))
    if isinstance(config.get("pairs"), dict) and config["pairs"].get("generator", "") is None:
        # The default endpoint and scorer are for pairs, and need the default model.
        config.setdefault("endpoints", {})
        config.setdefault("scorers", {})
    dataset, adapter = config.get("default_dataset", {}), config.get("default_adapter", {})
    for section, source, entry in (
        ("datasets", "novels", lambda name: {**_copy(dataset), "novels": [name]}),
        (
            "adapters",
            "datasets",
            lambda name: {"model": next(iter(models)), **_copy(adapter), "dataset": name},
        ),
    ):
        parts = config.get(source), models, dataset, adapter
        if all(isinstance(part, dict) for part in parts) and models:
            config.setdefault(section, {name: entry(name) for name in config[source]})


def _with_defaults(
    validator, properties: dict, instance, schema: dict
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key, subschema in properties.items():
            if "default" in subschema and key not in instance:
                # A fresh copy by way of YAML's own types: defaults are filled in further down too.
                instance[key] = _copy(subschema["default"])
    yield from Draft202012Validator.VALIDATORS["properties"](
        validator, properties, instance, schema
    )


def _copy(value):
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return list(map(_copy, value)) if isinstance(value, list) else value


_DefaultingValidator = validators.extend(Draft202012Validator, {"properties": _with_defaults})


def _settle_mode(config: dict) -> None:
    """A small model is asked for no more than it can do: one number for each pair."""
    pairs = config["pairs"]
    if pairs["mode"] is None:
        generator = config["endpoints"].get(pairs["generator"], {})
        pairs["mode"] = "cut" if generator.get("embedded") else "span"


def _explained(error: ValidationError) -> UserError:
    # Typed in jsonschema as whatever a schema may hold; each validator below says what it is.
    schema: Any = error.schema
    wanted: Any = error.validator_value
    instance: Any = error.instance
    key = ".".join(str(part) for part in error.absolute_path) or "(top level)"
    description = schema.get("description", "")
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        unknown = [name for name in instance if name not in known]
        hints = [
            f"{name!r} (did you mean {close[0]!r}?)"
            if (close := difflib.get_close_matches(name, known, 1))
            else f"{name!r}"
            for name in unknown
        ]
        return UserError(
            f"unknown key {', '.join(hints)}",
            where=f"config, under {key}",
            remedy=f"the keys allowed here are: {', '.join(known)}",
        )
    if error.validator == "required":
        missing = [name for name in wanted if name not in instance]
        return UserError(
            f"missing key {', '.join(missing)}",
            where=f"config, under {key}",
            remedy="add it; config/README.md explains it",
        )
    if error.validator == "anyOf":
        ways = [" and ".join(way["required"]) for way in wanted]
        return UserError(
            "an incomplete entry", where=f"config, under {key}", remedy=f"give {', or '.join(ways)}"
        )
    allowed = {
        "enum": lambda: f"one of {wanted}",
        "type": lambda: f"of type {wanted}",
        "minimum": lambda: f"at least {wanted}",
        "maximum": lambda: f"at most {wanted}",
        "exclusiveMinimum": lambda: f"above {wanted}",
        "pattern": lambda: f"matching {wanted}",
        "minItems": lambda: f"a list of at least {wanted}",
        "maxItems": lambda: f"a list of at most {wanted}",
        "minLength": lambda: f"of at least {wanted} characters",
        "minProperties": lambda: f"a table of at least {wanted}",
        "uniqueItems": lambda: "a list in which nothing stands twice",
        "const": lambda: repr(wanted),
    }.get(str(error.validator), lambda: "as config/README.md says")()
    return UserError(
        f"{'an empty value' if instance is None else repr(instance)} is not allowed",
        where=f"config key {key}",
        remedy=f"it must be {allowed}{f' ({description})' if description else ''}",
    )


def _check_defaults(config: dict) -> None:
    """What makes entries by name cannot say whose they are."""
    for section, key in (("default_dataset", "novels"), ("default_adapter", "dataset")):
        if key in config[section]:
            named = section.removeprefix("default_") + "s"
            raise UserError(
                f"{section} is for what nobody names, each with {key} of its own",
                where=f"config key {section}.{key}",
                remedy=f"leave it out, or name an entry in {named}",
            )


def _check_names(config: dict) -> None:
    """Every name that points to another entry of the config points to one that exists."""
    # The only entries that have their names within, since their order counts.
    lengths = [length["name"] for length in config["pairs"]["lengths"]]
    for key, name, section in _references(config):
        known = lengths if section == "pairs.lengths" else config[section]
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            listed = [*islice(known, _LISTED), *(["..."] if len(known) > _LISTED else [])]
            raise UserError(
                f"{name!r} is no name in {section}{f' (did you mean {close[0]!r}?)' if close else ''}",
                where=f"config key {key}",
                remedy=f"one of {', '.join(listed)}, or add {name} to {section}",
            )


def _check_bounds(config: dict) -> None:
    """No lower bound is above its upper one."""
    for key, bounds in _bounds(config):
        if bounds[0] > bounds[1]:
            raise UserError(
                f"{bounds} admits nothing",
                where=f"config key {key}",
                remedy="put the smaller one first",
            )


def _bounds(config: dict) -> Iterator[tuple[str, list]]:
    """(key, bounds) of everything that has a lower bound and an upper one."""
    for number, length in enumerate(config["pairs"]["lengths"]):
        for kind in ("prompt", "completion", "prompt_share", "tokens"):
            if length[kind]:
                yield f"pairs.lengths.{number}.{kind}", length[kind]
    for name, dataset in config["datasets"].items():
        for number, size in enumerate(dataset["rows"]["completions"]):
            yield f"datasets.{name}.rows.completions.{number}.characters", size["characters"]
        for kind in ("turns", "passage"):
            yield f"datasets.{name}.history.{kind}", dataset["history"][kind]


def _check_cuts(config: dict) -> None:
    """Where no LLM is asked, structure cuts the rows."""
    for name, dataset in config["datasets"].items():
        if not config["pairs"]["generator"] and "structure" not in dataset["rows"]["cuts"]:
            raise UserError(
                "rows are cut by pairs alone, but no LLM is asked for pairs",
                where=f"config key datasets.{name}.rows.cuts",
                remedy="add structure, or name an endpoint as pairs.generator",
            )


def _check_sketches(config: dict) -> None:
    """What happens in a passage an LLM alone can say."""
    for name, dataset in config["datasets"].items():
        asking = told_by_an_llm(dataset["rows"])
        if asking and not config["pairs"]["generator"]:
            raise UserError(
                "rows are to be told what happens, but no LLM is asked",
                where=f"config key datasets.{name}.rows.{asking[0]}",
                remedy="leave it out, or name an endpoint as pairs.generator",
            )


def _settle_overlap(config: dict) -> None:
    """Where rows share no text their prompts carry loss, since nothing else learns what stands in them."""
    for name, adapter in config["adapters"].items():
        rows = config["datasets"][adapter["dataset"]]["rows"]
        if rows["overlap"]:
            continue
        if rows["own_prompts"]:
            raise UserError(
                "rows that share no text cannot keep the prompts of pairs",
                where=f"config key datasets.{adapter['dataset']}.rows.own_prompts",
                remedy="leave it out, or set overlap to true",
            )
        for stage in adapter["stages"]:
            if stage["stage"] != "sft":
                continue
            stage["train"].setdefault(
                "train_on_prompt", adapter["train"].get("train_on_prompt", True)
            )
            if not stage["train"]["train_on_prompt"]:
                raise UserError(
                    "no stage learns what stands in prompts, and rows share no text",
                    where=f"config key adapters.{name}, train_on_prompt",
                    remedy=f"leave it out, or set datasets.{adapter['dataset']}.rows.overlap to true",
                )


def _settle_history(config: dict) -> None:
    """Of a row with earlier turns the last answer carries loss: the others are what other rows learn, and no ledger counts them."""
    for name, adapter in config["adapters"].items():
        dataset = config["datasets"][adapter["dataset"]]
        if not dataset["history"]["share"]:
            continue
        if not dataset["rows"]["overlap"]:
            raise UserError(
                "rows that share no text cannot have earlier turns, which are the text before them",
                where=f"config key datasets.{adapter['dataset']}.history.share",
                remedy="leave it out, or set rows.overlap to true",
            )
        for stage in adapter["stages"]:
            given = {**adapter["train"], **stage["train"]}
            # LLaMA-Factory refuses both together; where prompts carry loss, so does all that a row shows.
            if stage["stage"] != "sft" or given.get("train_on_prompt"):
                continue
            stage["train"]["mask_history"] = given.get("mask_history", True)
            if not stage["train"]["mask_history"]:
                raise UserError(
                    "the answers of earlier turns would carry loss, which the ledger does not count",
                    where=f"config key adapters.{name}, mask_history",
                    remedy=f"leave it out, or set datasets.{adapter['dataset']}.history.share to 0",
                )


def _check_systems(config: dict) -> None:
    """Every system that is sampled is the base model, the tuned one, another adapter or an endpoint."""
    for name in config["sampling"]["systems"]:
        if name not in ("base", "tuned", *config["adapters"], *config["endpoints"]):
            raise UserError(
                f"{name!r} is neither base nor tuned, and no key of adapters or endpoints",
                where="config key sampling.systems",
                remedy=f"one of base, tuned, {', '.join([*config['adapters'], *config['endpoints']])}",
            )


def _check_environments(config: dict) -> None:
    """Models that one job loads run in one environment."""
    environments = {name: model["environment"] for name, model in config["models"].items()}
    for key, model in _of_shared_environment(config):
        if environments[model] not in SHARED:
            raise UserError(
                f"{model} runs in the environment {environments[model]}, but this runs in {SHARED[0]}",
                where=f"config key {key}",
                remedy="name another model here; it need not be the one that is trained",
            )
    for rival in set(config["sampling"]["systems"]) & set(config["adapters"]):
        for name, adapter in config["adapters"].items():
            mine, other = (
                environments[adapter["model"]],
                environments[config["adapters"][rival]["model"]],
            )
            if mine != other:
                raise UserError(
                    f"{rival} runs in the environment {other} and {name} in {mine}: one job cannot sample both",
                    where="config key sampling.systems",
                    remedy=f"take {rival} off the list: the report sets all adapters side by side anyway",
                )


def _check_batches(config: dict) -> None:
    """Batches are had from providers."""
    for name, endpoint in config["endpoints"].items():
        if (endpoint["embedded"] or endpoint["serve"]) and endpoint["batch"]:
            raise UserError(
                "a model that is served here answers here and now, and has no batches",
                where=f"config key endpoints.{name}.batch",
                remedy="leave it out",
            )


def _check_served(config: dict) -> None:
    """What can be known of an endpoint's own server before it is started."""
    for name, endpoint in config["endpoints"].items():
        if serve := endpoint["serve"]:
            check_command(
                serve["command"],
                has_model=bool(serve["model"]),
                key=f"endpoints.{name}.serve.command",
            )


def _of_shared_environment(config: dict) -> Iterator[tuple[str, str]]:
    """(key, model) of every model that is used by a rule for all models alike: those that count tokens or score pairs."""
    first = next(iter(config["models"]))
    if config["chunks"]["unit"] == "tokens":
        yield "chunks.model", config["chunks"]["model"] or first
    if any(length["tokens"] for length in config["pairs"]["lengths"]):
        yield "pairs.model", config["pairs"]["model"] or first
    for name in _scorers_in_use(config):
        if config["scorers"][name]["method"] == "likelihood":
            yield f"scorers.{name}.model", config["scorers"][name]["model"]
    for name, dataset in config["datasets"].items():
        rows = dataset["rows"]
        if told_by_an_llm(rows):
            key = f"datasets.{name}.rows.outlines.model"
            yield key, rows["outlines"]["model"] or first


def _scorers_in_use(config: dict) -> list[str]:
    return config["pairs"]["scorers"] if config["pairs"]["generator"] else []


def _references(config: dict) -> Iterator[tuple[str, str, str]]:
    """(key, name, section) of every reference."""
    if config["pairs"]["generator"]:
        yield "pairs.generator", config["pairs"]["generator"], "endpoints"
    for section in ("chunks", "pairs"):
        if config[section]["model"]:
            yield f"{section}.model", config[section]["model"], "models"
    for name in _scorers_in_use(config):
        yield "pairs.scorers", name, "scorers"
    for name, scorer in config["scorers"].items():
        if scorer["method"] == "likelihood":
            yield f"scorers.{name}.model", scorer["model"], "models"
        else:
            yield f"scorers.{name}.endpoint", scorer["endpoint"], "endpoints"
    for name, endpoint in config["endpoints"].items():
        if endpoint["embedded"]:
            yield f"endpoints.{name}.embedded", endpoint["embedded"], "models"
    for name, dataset in config["datasets"].items():
        for novel in dataset["novels"]:
            yield f"datasets.{name}.novels", novel, "novels"
        for length in dataset["lengths"] or []:
            yield f"datasets.{name}.lengths", length, "pairs.lengths"
        if model := dataset["rows"]["outlines"]["model"]:
            yield f"datasets.{name}.rows.outlines.model", model, "models"
    for name, adapter in config["adapters"].items():
        yield f"adapters.{name}.dataset", adapter["dataset"], "datasets"
        yield f"adapters.{name}.model", adapter["model"], "models"
    for role in ("judge", "paraphraser"):
        if config["evaluation"][role]:
            yield f"evaluation.{role}", config["evaluation"][role], "endpoints"
    for name in config["export"]["adapters"] or []:
        yield "export.adapters", name, "adapters"
