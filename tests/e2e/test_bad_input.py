"""Bad input: a clear error before anything expensive, in one message, with a non-zero exit, and nothing lost."""

import copy

import pytest
from fault_server import FaultServer
from roles import answer


def refuse(workspace, *arguments: str, **environment: str) -> str:
    """Run, expect a failure, and return what was said."""
    done = workspace.snakemake(*arguments, check=False, **environment)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


@pytest.fixture
def changed(new_workspace, small_config):
    """A workspace whose configuration has one thing changed by a function."""

    def change(edit) -> object:
        config = copy.deepcopy(small_config)
        edit(config)
        new_workspace.configure(config)
        return new_workspace

    return change


def test_a_missing_novel_is_named(changed):
    workspace = changed(lambda config: config["novels"]["small"].update(path="elsewhere.txt"))
    said = refuse(workspace)
    assert "elsewhere.txt" in said and "novels.small.path" in said
    assert not (workspace / "results").exists()


@pytest.mark.parametrize(
    ("content", "words"), [(b"", "empty"), (bytes(range(256)) * 64, "no text in any encoding")]
)
def test_an_empty_or_binary_novel_is_refused_before_any_call(changed, endpoint, content, words):
    workspace = changed(lambda config: None)
    (workspace / "small.txt").write_bytes(content)
    calls = len(endpoint.times)
    said = refuse(workspace)
    assert words in said and "small.txt" in said
    assert len(endpoint.times) == calls


def assign(path: str, value):
    """An edit of one key of the configuration."""

    def edit(config: dict) -> None:
        *parents, last = path.split(".")
        for key in parents:
            config = config.setdefault(key, {})
        config[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (assign("pairs.treshold", 5), ["treshold", "did you mean 'threshold'", "pairs"]),
        (assign("novel", {}), ["'novel'", "did you mean 'novels'"]),
        (assign("pairs.threshold", "high"), ["pairs.threshold", "'high'", "number"]),
        (assign("pairs.threshold", 11), ["pairs.threshold", "11", "at most 10"]),
        (assign("report.language", "fr"), ["report.language", "'fr'", "zh", "en"]),
        (
            assign("datasets.small.novels", ["smal"]),
            ["datasets.small.novels", "'smal'", "did you mean 'small'"],
        ),
        (assign("adapters.small.model", "huge"), ["adapters.small.model", "'huge'", "tiny"]),
        (assign("adapters.small.train.learning_rat", 0.1), ["learning_rat", "learning_rate"]),
    ],
)
def test_a_wrong_config_names_the_key_and_what_is_allowed(changed, edit, words):
    said = refuse(changed(edit), "results/adapters/small/stages/sft/train.yaml")
    assert all(word in said for word in words), said


def test_a_gguf_that_is_not_the_pinned_one_is_refused(changed):
    edit = assign(
        "models.embedded", {"source": "embedded", "name": "qwen2.5-coder-0.5b", "template": "qwen"}
    )
    workspace = changed(edit)
    weights = workspace / "results/models/embedded/model.gguf"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"GGUF" + bytes(1000))
    said = refuse(workspace, "results/models/embedded/hf/config.json")
    assert (
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32" in said
        and "model.gguf" in said
    )


def test_a_refused_key_stops_at_once_and_is_not_repeated(changed, endpoint):
    workspace = changed(lambda config: None)
    calls = len(endpoint.times)
    said = refuse(workspace, LOOPBACK_API_KEY="sk-wrong-marker-77")
    assert "key" in said and "LOOPBACK_API_KEY" in said and "sk-wrong-marker-77" not in said
    # What was under way when the first refusal came back may still arrive.
    assert len(endpoint.times) - calls <= 8


def test_an_unset_key_variable_is_named(changed, monkeypatch):
    monkeypatch.delenv("LOOPBACK_API_KEY")
    said = refuse(changed(lambda config: None))
    assert "LOOPBACK_API_KEY" in said


def test_no_pair_above_the_threshold_says_how_many_there_were_and_what_to_change(changed):
    def pairs_alone(config: dict) -> None:
        config["pairs"]["threshold"] = 10
        config["datasets"]["small"]["rows"] = {"cuts": ["pairs"]}

    said = refuse(changed(pairs_alone))
    assert (
        "no row is left" in said
        and "score below threshold" in said
        and "median" in said
        and "pairs.threshold" in said
    )


def test_an_unusable_answer_is_a_failed_chunk_with_its_reason(changed, small_config):
    """One chunk in which the generator answers nonsense every time: the others go on, and this one is on record."""
    spoilt = []

    def answer_but_once(body: dict) -> str:
        asked = body["messages"][1]["content"]
        if not spoilt:
            spoilt.append(asked)
        return "{}" if asked.startswith(spoilt[0]) else answer(body)

    with FaultServer(answer=answer_but_once, model="reader") as server:
        workspace = changed(assign("endpoints.loopback.base_url", server.base_url))
        workspace.snakemake("results/novels/small/pairs.jsonl")
    from xuxie.files.rows import read_json, read_rows

    failures = list(read_rows(workspace / "results/novels/small/failures.jsonl"))
    assert len(failures) == 1 and failures[0]["raw"] == "{}" and failures[0]["failed"]
    summary = read_json(workspace / "results/novels/small/pairs.json")
    assert sum(summary["failed"].values()) == failures[0]["pairs"]
    assert summary["asked"] == summary["candidates"] + failures[0]["pairs"]
