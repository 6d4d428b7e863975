"""How datasets are dealt out to batches, and what configuration each batch has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xuxie.batches.configuration import config_of
from xuxie.batches.dealing import Batch, check_systems, cut_batches
from xuxie.errors import UserError

NOVELS = [f"n{number}" for number in range(12)]
DATASETS = st.dictionaries(
    st.sampled_from([f"d{number}" for number in range(10)]),
    st.lists(st.sampled_from(NOVELS), min_size=1, max_size=4, unique=True),
    min_size=1,
)


def configured(datasets: dict[str, list[str]]) -> dict:
    return {"datasets": {name: {"novels": novels} for name, novels in datasets.items()}}


@given(DATASETS, st.integers(1, 6))
def test_every_dataset_is_in_one_batch_and_no_novel_in_two(datasets, size):
    batches = cut_batches(configured(datasets), size, [])
    assert sorted(name for batch in batches for name in batch.datasets) == sorted(datasets)
    novels = [novel for batch in batches for novel in batch.novels]
    assert sorted(novels) == sorted(set().union(*datasets.values()))
    for batch in batches:
        assert len(batch.novels) <= size or _hangs_together(
            [set(datasets[name]) for name in batch.datasets]
        )


def _hangs_together(sets: list[set]) -> bool:
    reached, *rest = sets
    while met := [one for one in rest if one & reached]:
        reached = reached.union(*met)
        rest = [one for one in rest if one not in met]
    return not rest


def test_what_was_dealt_out_stays_when_novels_come_and_go():
    first = cut_batches(configured({"a": ["1"], "b": ["2"], "c": ["3"]}), 2, [])
    assert [batch.datasets for batch in first] == [["a", "b"], ["c"]]
    again = cut_batches(configured({"new": ["0"], "b": ["2"], "c": ["3"]}), 2, first)
    assert again == [
        Batch("batch-0001", ["2"], ["b"]),
        Batch("batch-0002", ["3"], ["c"]),
        Batch("batch-0003", ["0"], ["new"]),
    ]


@given(DATASETS, DATASETS, st.integers(1, 6))
def test_no_novel_is_in_two_batches_when_datasets_come_and_go(datasets, later, size):
    first = cut_batches(configured(datasets), size, [])
    try:
        batches = cut_batches(configured(later), size, first)
    except UserError:
        return
    assert sorted(name for batch in batches for name in batch.datasets) == sorted(later)
    novels = [novel for batch in batches for novel in batch.novels]
    assert sorted(novels) == sorted(set().union(*later.values()))
    before = {novel: batch.name for batch in first for novel in batch.novels}
    for batch in batches:
        assert {before.get(novel, batch.name) for novel in batch.novels} <= {batch.name}


def test_a_new_dataset_joins_the_batch_that_has_its_novel():
    first = cut_batches(configured({"a": ["1"], "b": ["2"]}), 1, [])
    again = cut_batches(
        configured({"a": ["1"], "b": ["2"], "c": ["4", "3"], "d": ["3", "2"]}), 1, first
    )
    assert again == [
        Batch("batch-0001", ["1"], ["a"]),
        Batch("batch-0002", ["2", "4", "3"], ["b", "c", "d"]),
    ]


def test_a_renamed_dataset_and_one_that_comes_back_find_their_answers():
    first = cut_batches(configured({"a": ["1"], "b": ["2"]}), 1, [])
    emptied = [first[0], Batch("batch-0002", ["2"], [])]
    for name in ("b", "renamed"):
        again = cut_batches(configured({"a": ["1"], name: ["2"]}), 1, emptied)
        assert again == [first[0], Batch("batch-0002", ["2"], [name])]


@pytest.mark.parametrize(
    "datasets",
    [
        {"a": ["1"], "b": ["2"], "both": ["2", "1"]},
        {"both": ["1", "2"]},
        {"a": ["1"], "both": ["1", "3", "2"]},
        {"a": ["1", "2"]},
        {"a": ["1"], "b": ["2"], "c": ["1", "3"], "d": ["3", "2"]},
    ],
)
def test_a_dataset_that_ties_two_batches_together_is_refused(datasets):
    first = cut_batches(configured({"a": ["1"], "b": ["2"]}), 1, [])
    with pytest.raises(UserError, match="1 in batch-0001, 2 in batch-0002"):
        cut_batches(configured(datasets), 1, first)


def test_a_dataset_that_takes_up_a_novel_of_another_batch_is_refused():
    first = cut_batches(configured({"a": ["1"], "b": ["2"]}), 1, [])
    with pytest.raises(UserError, match="2 in batch-0001, 2 in batch-0002"):
        cut_batches(configured({"a": ["1", "2"], "b": ["2"]}), 1, first)


def test_a_dataset_that_has_only_a_novel_of_another_batch_is_refused():
    first = cut_batches(configured({"a": ["1"], "b": ["2"]}), 1, [])
    with pytest.raises(UserError, match="2 in batch-0001, 2 in batch-0002"):
        cut_batches(configured({"a": ["2"]}), 1, first)


def test_a_batch_has_its_own_part_of_the_configuration_with_paths_that_hold_elsewhere():
    config = {
        "novels": {"1": {"path": "1.txt"}, "2": {"path": ["a.txt", "/b.txt"]}},
        "models": {"m": {"source": "path", "name": "tiny"}},
        "pairs": {"prompt_templates": "mine"},
    }
    complete = {
        **config,
        **configured({"one": ["1"], "two": ["2"]}),
        "adapters": {"one": {"dataset": "one", "model": "m"}},
    }
    part = config_of(Batch("batch-0002", ["2"], ["two"]), config, complete, "/home/reader")
    assert part["novels"] == {"2": {"path": ["/home/reader/a.txt", "/b.txt"]}}
    assert part["models"]["m"]["name"] == "/home/reader/tiny"
    assert part["pairs"]["prompt_templates"] == "/home/reader/mine"
    assert list(part["datasets"]) == ["two"]
    assert part["adapters"] == {"two": {"dataset": "two", "model": "m"}}
    assert config["novels"]["2"]["path"] == ["a.txt", "/b.txt"], "the whole one was changed"


def part_of(**sections) -> dict:
    """The part of a configuration with these sections that a batch has in another folder."""
    config = {"novels": {"1": {"path": "1.txt"}}, "models": {"m": {"source": "hub"}}, **sections}
    complete = {
        **configured({"one": ["1"]}),
        "adapters": {"one": {"dataset": "one", "model": "m"}},
        **config,
    }
    return config_of(Batch("batch-0001", ["1"], ["one"]), config, complete, "/home/reader")


@pytest.mark.parametrize(
    "given, found",
    [
        ("told.txt", "/home/reader/told.txt"),
        ("/told.yaml", "/told.yaml"),
        ("passage", "passage"),
        (None, None),
    ],
)
def test_a_file_of_outlines_is_found_from_a_batch(given, found):
    assert part_of(sampling={"outlines": given})["sampling"]["outlines"] == found


@pytest.mark.parametrize(
    "given, found",
    [("large.gguf", "/home/reader/large.gguf"), ("/large.gguf", "/large.gguf"), ("m", "m")],
)
def test_a_model_that_is_served_is_found_from_a_batch(given, found):
    serve = {"command": ["vllm", "serve", "{model}", "--port", "{port}"], "model": given}
    part = part_of(endpoints={"own": {"serve": serve, "model": "large"}})
    assert part["endpoints"]["own"]["serve"] == {**serve, "model": found}


def test_the_program_of_a_server_is_found_from_a_batch():
    serve = {"command": ["bin/serve", "--port", "{port}", "org/model"]}
    part = part_of(endpoints={"own": {"serve": serve, "model": "large"}})
    command = part["endpoints"]["own"]["serve"]["command"]
    assert command == ["/home/reader/bin/serve", "--port", "{port}", "org/model"]
    assert serve["command"][0] == "bin/serve", "the whole one was changed"


@pytest.mark.parametrize("argument", ["deepspeed", "fsdp_config", "accelerator_config"])
def test_a_file_that_training_reads_is_found_from_a_batch(argument):
    adapter = {
        "dataset": "one",
        "model": "m",
        "train": {argument: "whole.json", "seed": 1},
        "stages": [
            {"stage": "pt", "train": {argument: "stage.json"}},
            {"stage": "sft", "train": {argument: {"inline": 1}}},
        ],
    }
    made = part_of(adapters={"one": adapter})["adapters"]["one"]
    assert made["train"] == {argument: "/home/reader/whole.json", "seed": 1}
    assert [stage["train"][argument] for stage in made["stages"]] == [
        "/home/reader/stage.json",
        {"inline": 1},
    ]
    inline = {**adapter, "train": {argument: '{"stage": 2}'}}
    assert part_of(adapters={"one": inline})["adapters"]["one"]["train"] == inline["train"]


@pytest.mark.parametrize(
    "chosen, found", [(["one", "other"], ["one"]), (["other"], []), ([], []), (None, None)]
)
def test_a_batch_exports_those_of_its_adapters_that_are_chosen(chosen, found):
    adapters = {name: {"dataset": name, "model": "m"} for name in ("one", "other")}
    part = part_of(adapters=adapters, export={"adapters": chosen})
    assert part["export"]["adapters"] == found


def test_each_batch_has_a_part_of_the_store():
    assert part_of(store="s3://bucket/folder")["store"] == "s3://bucket/folder/batch-0001"
    assert part_of(store=None)["store"] is None


def with_systems(*names: str) -> dict:
    datasets = configured({"a": ["1"], "b": ["2"]})
    adapters = {name: {"dataset": name, "model": "m"} for name in ("a", "b")}
    return {
        **datasets,
        "adapters": adapters,
        "endpoints": {"cloud": {}},
        "sampling": {"systems": list(names)},
    }


def test_an_adapter_that_samples_in_every_batch_is_refused_where_there_are_several():
    complete = with_systems("base", "tuned", "cloud", "b")
    several = [Batch("batch-0001", ["1"], ["a"]), Batch("batch-0002", ["2"], ["b"])]
    with pytest.raises(UserError, match="b is an adapter of one batch, and batch-0001"):
        check_systems(several, complete)
    check_systems(several, with_systems("base", "tuned", "cloud"))
    check_systems(
        [Batch("batch-0001", ["1", "2"], ["a", "b"]), Batch("batch-0002", [], [])], complete
    )
