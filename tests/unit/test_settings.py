"""What a configuration means, asked of the one object that rules, scripts and the chat ask."""

import copy
import os.path
import random
import shutil
import subprocess
import sys
import zipfile

import pytest
from workspace import REPOSITORY
from xuxie.config.completion import complete_config
from xuxie.config.resolution import resolve
from xuxie.config.settings import Settings
from xuxie.errors import UserError
from xuxie.sampling.parameters import SamplingParameters

CONFIG = {
    "novels": {"first": {"path": "first.txt"}, "second": {"path": "second.txt", "language": "en"}},
    "models": {
        "small": {"source": "embedded", "name": "gemma-3-270m", "template": "gemma"},
        "own": {"source": "path", "name": "models/own", "template": "qwen"},
    },
    "endpoints": {
        "local": {"embedded": "small"},
        "far": {"base_url": "http://127.0.0.1:9/v1", "model": "reader"},
    },
    "scorers": {
        "likelihood": {"method": "likelihood", "model": "small"},
        "judge": {"method": "judge", "endpoint": "far"},
    },
    "datasets": {"both": {"novels": ["second", "first"]}},
    "adapters": {
        "plain": {"dataset": "both", "model": "small"},
        "odd": {"dataset": "both", "model": "own", "train_template": "alpaca"},
    },
}


def settings(**changes: dict) -> Settings:
    """The resolved configuration, with some keys of its sections changed."""
    config = copy.deepcopy(CONFIG)
    for section, values in changes.items():
        config.setdefault(section, {}).update(values)
    complete_config(config, REPOSITORY / "config/schema.yaml")
    return resolve(config, "resources")


def test_names_have_become_what_they_point_to():
    odd = settings().adapters["odd"]
    assert odd.model.source_name == "models/own"
    assert [novel.name for novel in odd.dataset.novels] == ["second", "first"]
    assert odd.dataset.languages == {"second": "en", "first": "zh"}


def test_evaluations_name_every_sampling_parameter_that_samples_are_drawn_by():
    drawn = settings(sampling={"variants": {"free": {"repetition_penalty": 1}}}).decodings
    parameters = set(SamplingParameters.__dataclass_fields__)
    assert {name: set(values) for name, values in drawn.items()} == {
        "": parameters,
        "free": parameters,
    }


def test_the_configuration_is_read_without_torch():
    """Torch takes seconds to import, and Snakemake reads the configuration again in every job."""
    code = "import sys, xuxie.config.resolution; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_and_its_adapters_are_asked_with_one_template():
    assert [it.asked_template for it in settings().adapters.values()] == ["gemma", "qwen"]
    experiment = settings(sampling={"template": "alpaca"})
    assert [it.asked_template for it in experiment.adapters.values()] == ["alpaca", "alpaca"]


def test_only_an_experiment_is_trained_with_another_template_than_its_models():
    assert [it.trained_template for it in settings().adapters.values()] == ["gemma", "alpaca"]


def test_an_adapter_may_have_learnt_from_the_rows_or_text_of_all_of_its_stages():
    twice = {"dataset": "both", "model": "small", "stages": [{"stage": "pt"}, {"stage": "sft"}]}
    adapters = settings(adapters={"twice": twice}).adapters
    assert adapters["plain"].trained_on == ["results/datasets/both/train.jsonl"]
    assert adapters["twice"].trained_on == [
        "results/datasets/both/train_text.jsonl",
        "results/datasets/both/train.jsonl",
    ]


def test_an_adapter_is_told_what_its_rows_say_unless_the_sampling_says_otherwise():
    rows = {"both": {"novels": ["first"], "system": ["续写", "写下去"]}}
    assert settings(datasets=rows).adapters["plain"].system == "续写"
    assert settings(datasets=rows, sampling={"system": ""}).adapters["plain"].system == ""
    bare = {"both": {"novels": ["first"], "system": []}}
    assert settings(datasets=bare).adapters["plain"].system is None


def test_prompts_are_in_the_novels_language():
    made = settings()
    for novel, folder in [("first", "resources/prompts/zh"), ("second", "resources/prompts/en")]:
        for of_role in (made.novels[novel].generator_templates, made.novels[novel].judge_templates):
            assert of_role and {os.path.dirname(path) for path in of_role} == {folder}
    assert made.datasets["both"].preference_template == "resources/judging/en.txt"
    own = settings(pairs={"prompt_templates": "mine"}).novels["first"]
    assert {os.path.dirname(path) for path in own.generator_templates} == {"mine"}


def test_no_novel_of_the_users_holds_up_the_exams_of_the_others():
    novels = {name: {"path": f"{name}.txt"} for name in ("broken", "own", "another")}
    sample = {"sample": {"path": "resources/novels/ban-jin-du.txt"}}
    english = {name: {"path": f"{name}.txt", "language": "en"} for name in ("emma", "ulysses")}
    datasets = settings(
        novels=novels | sample | english,
        datasets={name: {"novels": [name]} for name in ("own", "another", "sample", "ulysses")},
    ).datasets
    assert datasets["own"].foreign_text == "resources/novels/ban-jin-du.txt"
    assert datasets["another"].foreign_text == "resources/novels/ban-jin-du.txt"
    assert datasets["sample"].foreign_text == "results/novels/first/text.txt"
    assert datasets["ulysses"].foreign_text == "results/novels/second/text.txt"


def test_limits_and_prices_are_no_part_of_an_endpoints_identity():
    far = {
        **CONFIG["endpoints"]["far"],
        "rpm": 60,
        "price": {"input": 2},
        "base_url": "http://h/v1",
    }
    plain, limited = settings(), settings(endpoints={"far": far})
    assert plain.endpoints["far"].identity == limited.endpoints["far"].identity
    other = settings(endpoints={"far": {**far, "model": "another"}})
    assert plain.endpoints["far"].identity != other.endpoints["far"].identity


def test_only_an_embedded_endpoint_has_weights():
    assert settings().endpoints["local"].weights == ["results/models/small/model.gguf"]
    assert settings().endpoints["far"].weights == []


def test_a_served_endpoint_has_the_files_of_its_model(tmp_path):
    (tmp_path / "config.json").touch()
    for model, files in (
        ("own", ["results/models/own/hf/config.json", "results/models/own/model.json"]),
        ("weights.gguf", ["weights.gguf"]),
        (str(tmp_path), [str(tmp_path / "config.json")]),
        (None, []),
    ):
        serve = {"command": ["serve", "{port}"], "model": model, "gpus": 2, "threads": 3}
        near = {"near": {"serve": serve, "model": "reader"}}
        made = settings(endpoints=near, sampling={"systems": ["base", "near"]})
        endpoint = made.endpoints["near"]
        assert (endpoint.weights, endpoint.gpus, endpoint.threads) == (files, 2, 3)
        assert [serve["gpus"] for serve in made.served_rivals] == [2]


@pytest.mark.parametrize("role", ["generator", "judge"])
def test_a_novel_is_one_shard_where_each_job_starts_a_server(tmp_path, role):
    (tmp_path / "a.txt").write_bytes(b"x" * 3000)
    near = {"near": {"serve": {"command": ["serve", "{port}"]}, "model": "reader"}}
    pairs = {"shard_bytes": 1000, "scorers": ["marks"], "generator": "far"}
    scorers = {"marks": {"method": "judge", "endpoint": "near" if role == "judge" else "far"}}
    if role == "generator":
        pairs["generator"] = "near"
    novels = {"first": {"path": str(tmp_path)}}
    made = settings(novels=novels, endpoints=near, pairs=pairs, scorers=scorers)
    assert made.novels["first"].shards == ["1-of-1"]
    assert made.novels["first"].largest_shard == 3000


def test_rivals_are_adapters_and_endpoints_with_what_is_loaded_of_them():
    rivals = settings(sampling={"systems": ["base", "odd", "local", "far"]}).rivals
    assert list(rivals) == ["odd", "local", "far"]
    assert "results/adapters/odd/adapter_model.safetensors" in rivals["odd"].files_as_rival
    assert rivals["odd"].as_rival["template"] == "qwen"
    assert rivals["local"].files_as_rival == ["results/models/small/model.gguf"]
    assert rivals["far"].files_as_rival == [] and rivals["far"].as_rival["weights"] == []


def test_a_tokenizer_is_needed_only_where_tokens_are_counted():
    assert settings().chunk_tokenizer == [] and settings().pairs.tokenizer == []
    counted = settings(chunks={"unit": "tokens", "model": "own"})
    assert counted.chunk_tokenizer == "results/models/own/hf/config.json"


def test_shards_follow_the_bytes_of_all_files(tmp_path):
    for name, size in (("a.txt", 1500), ("b.txt", 600)):
        (tmp_path / name).write_bytes(b"x" * size)
    novel = settings(novels={"first": {"path": str(tmp_path)}}, pairs={"shard_bytes": 1000})
    assert novel.novels["first"].shards == ["1-of-3", "2-of-3", "3-of-3"]
    assert novel.novels["second"].shards == ["1-of-1"]


def test_pictures_of_an_epub_make_no_shards(tmp_path):
    book = tmp_path / "book.epub"
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("OEBPS/cover.jpg", random.Random(0).randbytes(50_000))
        archive.writestr("OEBPS/a.xhtml", "x" * 1500)
        archive.writestr("OEBPS/b.HTML", "x" * 600)
    made = settings(novels={"first": {"path": str(book)}}, pairs={"shard_bytes": 1000})
    assert made.novels["first"].shards == ["1-of-3", "2-of-3", "3-of-3"]
    # Another file in its place is looked at anew; one that is broken is refused where it is read.
    book.write_bytes(b"PK" * 600)
    assert made.novels["first"].shards == ["1-of-2", "2-of-2"]


def test_files_of_a_folder_come_in_reading_order(tmp_path):
    names = ["第10章.txt", "第2章.txt", "第1章.txt"]
    for name in names:
        (tmp_path / name).touch()
    files = settings(novels={"first": {"path": str(tmp_path)}}).novels["first"].files
    assert files == [str(tmp_path / name) for name in reversed(names)]


def test_a_missing_source_is_named_with_its_key(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "first.txt").write_text("第一章")
    with pytest.raises(UserError, match=r"second\.txt(?s:.*)novels\.second\.path"):
        settings().check_sources()
    (tmp_path / "second.txt").write_text("第一章")
    settings().check_sources()


def test_prompt_templates_are_looked_at_before_anything_is_planned(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = shutil.copytree(REPOSITORY / "resources/prompts/zh", tmp_path / "own")
    (own / "judge.txt").write_text("好吗？$prompt")
    likelihood, judge = (
        settings(pairs={"prompt_templates": "own", "scorers": [scorer]})
        for scorer in ("likelihood", "judge")
    )
    likelihood.check_templates()
    with pytest.raises(UserError, match=r"completion(?s:.*)own/judge\.txt"):
        judge.check_templates()
    (own / "cut.txt").unlink()
    with pytest.raises(UserError, match=r"own/cut\.txt"):
        likelihood.check_templates()
    settings(pairs={"prompt_templates": "own", "generator": None}).check_templates()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("folder", None, "no file is found in the folder folder"),
        ("empty.txt", b"", "the file empty.txt is empty"),
        ("book.docx", b"PK\x03\x04", "files of the kind .docx are not read"),
        ("README", b"x", r"\(no suffix\) are not read"),
    ],
)
def test_what_cannot_be_a_novel_is_refused_before_anything_is_planned(
    tmp_path, monkeypatch, name, content, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "second.txt").write_text("第一章")
    if content is None:
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words) as refused:
        settings(novels={"first": {"path": name}}).check_sources()
    assert "remedy" in str(refused.value)


def test_a_folder_among_the_chapters_is_no_chapter(tmp_path):
    (tmp_path / "第一章.txt").write_text("第一章")
    (tmp_path / "notes").mkdir()
    with pytest.raises(UserError, match="notes is a folder among the novel's files"):
        settings(novels={"first": {"path": str(tmp_path)}}).check_sources()


def test_all_adapters_are_taken_home_unless_some_are_named():
    assert settings().export.adapters == ["plain", "odd"]
    assert settings(export={"adapters": ["odd"]}).export.adapters == ["odd"]
    few = settings(export={"quantisations": ["f16"], "lora_gguf": False, "verified_prompts": 0})
    assert few.export.ggufs == ["model.f16.gguf"] and few.export.verified == []


def test_the_store_gets_the_report_and_the_finished_files():
    assert settings().delivered == []
    config = {**copy.deepcopy(CONFIG), "store": "s3://bucket"}
    complete_config(config, REPOSITORY / "config/schema.yaml")
    delivered = resolve(config).delivered
    assert delivered[0] == "report.html" and "datasets/both/train.jsonl" in delivered
    assert {f"adapters/{name}/adapter_model.safetensors" for name in ("plain", "odd")} < set(
        delivered
    )
