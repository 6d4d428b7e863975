"""The configuration: completed, derived, refused; its reference is current."""

import copy
import importlib.util

import pytest
import yaml
from jsonschema import Draft202012Validator
from workspace import REPOSITORY
from xuxie.config.completion import complete_config
from xuxie.config.resolution import resolve
from xuxie.errors import UserError
from xuxie.llm.endpoint import EndpointSettings

SCHEMA = REPOSITORY / "config/schema.yaml"


def completed(config: dict) -> dict:
    config = copy.deepcopy(config)
    complete_config(config, SCHEMA)
    return config


def test_the_schema_is_one():
    Draft202012Validator.check_schema(yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))


def test_two_lines_make_a_complete_config():
    config = completed({"novels": {"mine": {"path": "mine.txt"}}})
    assert config["datasets"]["mine"]["novels"] == ["mine"]
    assert config["adapters"]["mine"]["dataset"] == "mine"
    assert config["adapters"]["mine"]["model"] in config["models"]
    assert config["endpoints"][config["pairs"]["generator"]]["embedded"] in config["models"]


def test_defaults_of_two_entries_are_not_the_same_object():
    config = completed({"novels": {"one": {"path": "1.txt"}, "two": {"path": "2.txt"}}})
    config["novels"]["one"]["normalise"]["unicode"] = False
    assert config["novels"]["two"]["normalise"]["unicode"] is True


def test_completing_twice_changes_nothing():
    once = completed({"novels": {"mine": {"path": "mine.txt"}}})
    assert completed(once) == once


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"novels": []}, ["novels", "object"]),
        ({"novels": {}}, ["novels", "at least 1"]),
        (
            {"novels": {"mine": {"path": None}}},
            [
                "novels.mine.path",
                "an empty value",
                "it must be as config/README.md says",
                "a folder",
            ],
        ),
        ({"pairs": {"scorers": ["likelihood", "likelihood"]}}, ["pairs.scorers", "stands twice"]),
        ({"novels": {"a b": {"path": "x"}}}, ["a b"]),
        (
            {"scorers": {"likelihood": {"method": "guess"}}},
            ["scorers.likelihood.method", "'guess'", "judge"],
        ),
        ({"scorers": {"likelihood": {"method": "judge"}}}, ["scorers.likelihood", "endpoint"]),
        ({"pairs": {"scorers": ["liklihood"]}}, ["pairs.scorers", "did you mean 'likelihood'"]),
        ({"pairs": {"generator": "remote"}}, ["pairs.generator", "'remote'", "local"]),
        ({"sampling": {"systems": ["tuned", "rival"]}}, ["sampling.systems", "'rival'", "local"]),
        (
            {"endpoints": {"local": {"base_url": "http://h/v1"}}},
            ["endpoints.local", "base_url and model"],
        ),
        (
            {"endpoints": {"local": {"embedded": "qwen2.5-coder-0.5b", "batch": True}}},
            ["local.batch"],
        ),
        (
            {"datasets": {"d": {"novels": ["mine"], "split": {"test": 0.9}}}},
            ["datasets.d.split.test", "at most 0.5"],
        ),
        (
            {"datasets": {"d": {"novels": ["mine"], "lengths": ["shrot"]}}},
            ["datasets.d.lengths", "did you mean 'short'"],
        ),
        ({"default_adapter": {"model": "nope"}}, ["adapters.mine.model", "'nope'"]),
        ({"default_adapter": {"dataset": "mine"}}, ["default_adapter.dataset"]),
        ({"default_dataset": {"novels": ["mine"]}}, ["default_dataset.novels"]),
        (
            {
                "pairs": {"generator": None},
                "datasets": {"d": {"novels": ["mine"], "rows": {"cuts": ["pairs"]}}},
            },
            ["datasets.d.rows.cuts", "add structure"],
        ),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(change, words):
    with pytest.raises(UserError) as caught:
        completed({"novels": {"mine": {"path": "mine.txt"}}, **change})
    assert all(word in str(caught.value) for word in words), str(caught.value)


LENGTH = {
    "name": "short",
    "share": 1,
    "prompt": [9, 99],
    "completion": [9, 99],
    "tokens": [20, 150],
}


def of_lengths(key: str, bounds: list) -> dict:
    return {"pairs": {"lengths": [LENGTH, {**LENGTH, key: bounds}]}}


def of_dataset(**parts) -> dict:
    return {"default_dataset": parts}


@pytest.mark.parametrize(
    ("change", "key", "bounds"),
    [
        (of_lengths("prompt", [250, 60]), "pairs.lengths.1.prompt", [250, 60]),
        (of_lengths("completion", [250, 80]), "pairs.lengths.1.completion", [250, 80]),
        (of_lengths("prompt_share", [0.7, 0.3]), "pairs.lengths.1.prompt_share", [0.7, 0.3]),
        (of_lengths("tokens", [150, 20]), "pairs.lengths.1.tokens", [150, 20]),
        (
            of_dataset(rows={"completions": [{"name": "medium", "characters": [450, 150]}]}),
            "datasets.mine.rows.completions.0.characters",
            [450, 150],
        ),
        (of_dataset(history={"turns": [4, 2]}), "datasets.mine.history.turns", [4, 2]),
        (of_dataset(history={"passage": [400, 99]}), "datasets.mine.history.passage", [400, 99]),
    ],
)
def test_bounds_in_the_wrong_order_are_refused(change, key, bounds):
    with pytest.raises(UserError) as refused:
        completed({"novels": {"mine": {"path": "mine.txt"}}, **change})
    assert f"{bounds} admits nothing" in str(refused.value)
    assert f"config key {key}\n" in str(refused.value)


OLD = {"source": "path", "name": "old", "template": "qwen", "environment": "qwen1"}
NEW = {"source": "path", "name": "new", "template": "qwen"}


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ({"chunks": {"unit": "tokens"}}, "chunks.model"),
        ({"pairs": {"model": "old", "lengths": [LENGTH]}}, "pairs.model"),
        (
            {"scorers": {"likelihood": {"method": "likelihood", "model": "old"}}},
            "scorers.likelihood.model",
        ),
        ({"sampling": {"systems": ["tuned", "two"]}}, "sampling.systems"),
    ],
)
def test_a_model_is_not_loaded_where_its_code_does_not_run(part, key):
    adapters = {
        "one": {"dataset": "mine", "model": "old"},
        "two": {"dataset": "mine", "model": "new"},
    }
    scorers = {"likelihood": {"method": "likelihood", "model": "new"}}
    base = {
        "novels": {"mine": {"path": "mine.txt"}},
        "models": {"old": OLD, "new": NEW, "qwen2.5-coder-0.5b": NEW},
        "scorers": scorers,
    }
    base["adapters"] = adapters
    completed(base)
    with pytest.raises(UserError) as refused:
        completed(base | part)
    assert f"config key {key}" in str(refused.value) and "qwen1" in str(refused.value)


def test_every_default_is_valid_by_its_own_schema():
    from jsonschema import Draft202012Validator

    def walk(node):
        if isinstance(node, dict):
            if "default" in node and node["default"] is not None:
                yield node
            for child in node.values():
                yield from walk(child)
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    found = list(walk(schema))
    assert len(found) > 50
    for node in found:
        if isinstance(node["default"], str | int | float | bool):
            # References resolve against the whole schema; plain values need none.
            Draft202012Validator(
                {key: value for key, value in node.items() if key != "$ref"}
            ).validate(node["default"])


def test_the_key_reference_is_current():
    spec = importlib.util.spec_from_file_location("reference", REPOSITORY / "config/reference.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    text = (REPOSITORY / "config/README.md").read_text(encoding="utf-8")
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    assert reference.document(text, schema) == text, "run `make docs`"


def test_every_key_has_a_description():
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))

    def walk(node, path):
        for key, child in node.get("properties", {}).items():
            whole = {
                **(schema["$defs"][child["$ref"].rsplit("/", 1)[1]] if "$ref" in child else {}),
                **child,
            }
            # An empty child only repeats a key that stands beside it.
            if whole:
                assert whole.get("description"), f"{path}.{key} has no description"
            walk(whole, f"{path}.{key}")
        for key in ("additionalProperties", "items", "then"):
            if isinstance(node.get(key), dict):
                walk(node[key], path)
        for child in node.get("allOf", []):
            walk(child, path)

    walk(schema, "config")
    for name, definition in schema["$defs"].items():
        walk(definition, name)


def test_an_adapter_that_nobody_names_is_made_as_the_default_one():
    stages = [{"stage": "pt"}, {"stage": "sft", "tokens": 8000}]
    config = {"novels": {"n": {"path": "n.txt"}}, "default_adapter": {"stages": stages}}
    complete_config(config, SCHEMA)
    made = config["adapters"]["n"]
    assert (made["dataset"], [stage["tokens"] for stage in made["stages"]]) == ("n", [None, 8000])
    named = {**config, "adapters": {"a": {"dataset": "n", "model": made["model"]}}}
    complete_config(named, SCHEMA)
    assert [stage["stage"] for stage in named["adapters"]["a"]["stages"]] == ["sft"]


def test_a_dataset_that_nobody_names_is_made_as_the_default_one():
    config = {"novels": {"n": {"path": "n.txt"}}, "default_dataset": {"split": {"gap": 7}}}
    complete_config(config, SCHEMA)
    assert config["datasets"]["n"]["novels"] == ["n"]
    assert config["datasets"]["n"]["split"]["gap"] == 7


def test_the_default_adapter_may_name_another_model_than_the_first():
    models = {name: {"source": "path", "template": "qwen"} for name in ("first", "second")}
    config = {
        "novels": {"n": {"path": "n.txt"}},
        "models": models,
        "pairs": {"generator": None},
        "default_adapter": {"model": "second"},
    }
    assert completed(config)["adapters"]["n"]["model"] == "second"


def without_overlap(adapter: dict, **rows) -> dict:
    rows = {"overlap": False, **rows}
    return {
        "novels": {"n": {"path": "n.txt"}},
        "default_dataset": {"rows": rows},
        "default_adapter": adapter,
    }


def test_rows_without_overlap_are_learnt_with_their_prompts():
    config = without_overlap({"stages": [{"stage": "pt"}, {"stage": "sft"}]})
    complete_config(config, SCHEMA)
    raw, rows = config["adapters"]["n"]["stages"]
    assert rows["train"]["train_on_prompt"] and "train_on_prompt" not in raw["train"]


@pytest.mark.parametrize(
    "adapter, rows, key",
    [
        ({"train": {"train_on_prompt": False}}, {}, "train_on_prompt"),
        ({}, {"own_prompts": True}, "own_prompts"),
    ],
)
def test_what_would_leave_text_without_loss_is_refused(adapter, rows, key):
    with pytest.raises(UserError, match=key):
        complete_config(without_overlap(adapter, **rows), SCHEMA)


def with_history(adapter: dict, **rows) -> dict:
    return {
        "novels": {"n": {"path": "n.txt"}},
        "default_dataset": {"history": {"share": 0.3}, "rows": rows},
        "default_adapter": adapter,
    }


@pytest.mark.parametrize(
    "adapter, expected",
    [
        ({}, True),
        ({"train": {"mask_history": True}}, True),
        # LLaMA-Factory refuses both together.
        ({"train": {"train_on_prompt": True}}, None),
        ({"stages": [{"stage": "pt"}, {"stage": "sft", "train": {"train_on_prompt": True}}]}, None),
    ],
)
def test_of_earlier_turns_no_answer_carries_loss_unless_all_does(adapter, expected):
    config = with_history(adapter)
    complete_config(config, SCHEMA)
    *raw, rows = config["adapters"]["n"]["stages"]
    assert rows["train"].get("mask_history") is expected
    assert not any("mask_history" in stage["train"] for stage in raw)
    plain = completed({"novels": {"n": {"path": "n.txt"}}})
    assert "mask_history" not in plain["adapters"]["n"]["stages"][0]["train"]


@pytest.mark.parametrize(
    "adapter, rows, key",
    [
        ({"train": {"mask_history": False}}, {}, "mask_history"),
        ({}, {"overlap": False}, "history.share"),
    ],
)
def test_earlier_turns_that_would_be_learnt_unaccounted_for_are_refused(adapter, rows, key):
    with pytest.raises(UserError, match=key):
        complete_config(with_history(adapter, **rows), SCHEMA)


def test_of_a_thousand_novels_a_message_names_a_few():
    novels = {f"n{number}": {"path": f"{number}.txt"} for number in range(1000)}
    with pytest.raises(UserError) as refused:
        completed({"novels": novels, "datasets": {"d": {"novels": ["n1000"]}}})
    assert "did you mean" in str(refused.value)
    assert "n19, ..." in str(refused.value)
    assert len(str(refused.value)) < 1000


def test_a_mistake_in_the_default_adapter_is_refused_by_name():
    config = {"novels": {"n": {"path": "n.txt"}}, "default_adapter": {"stage": []}}
    with pytest.raises(UserError, match="did you mean 'stages'"):
        complete_config(config, SCHEMA)


def test_each_endpoint_of_the_provider_example_does_for_both_roles():
    example = (REPOSITORY / "config/examples/provider.yaml").read_text(encoding="utf-8")
    for name in yaml.safe_load(example)["endpoints"]:
        chosen = yaml.safe_load(example.replace("&endpoint deepseek", f"&endpoint {name}"))
        default = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))
        config = completed(default | chosen | {"scorers": default["scorers"] | chosen["scorers"]})
        assert config["pairs"]["generator"] == config["scorers"]["judge"]["endpoint"] == name
        EndpointSettings(**config["endpoints"][name])


def test_each_endpoint_of_the_example_with_a_server_of_ones_own_does_for_both_roles():
    example = (REPOSITORY / "config/examples/own-llm.yaml").read_text(encoding="utf-8")
    for name in yaml.safe_load(example)["endpoints"]:
        config = completed(yaml.safe_load(example.replace("&endpoint vllm", f"&endpoint {name}")))
        settings = EndpointSettings(**config["endpoints"][name])
        asked = resolve(config).pairs
        assert asked.generator.name == asked.judges["judge"].endpoint.name == name
        assert asked.generator.gpus == settings.serve.gpus >= 1 and asked.generator.weights
        words = settings.serve.command
        assert words[words.index("--host") + 1] == "127.0.0.1" and "{name}" in words


@pytest.mark.parametrize("retired", ["deepseek-chat", "deepseek-reasoner"])
def test_nothing_that_users_copy_names_a_model_that_was_switched_off(retired):
    copied = [
        path
        for kind in ("README*.md", "config/*.md", "config/**/*.yaml")
        for path in REPOSITORY.glob(kind)
    ]
    assert [path.name for path in copied if retired in path.read_text(encoding="utf-8")] == []
