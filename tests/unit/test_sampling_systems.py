"""Who is sampled with what, and how outputs of several systems come to stand side by side."""

from contextlib import contextmanager
from dataclasses import asdict

import pytest
import sample_outputs as script
from xuxie.files.novel_text import write_text
from xuxie.files.rows import read_rows, write_rows
from xuxie.sampling import systems
from xuxie.sampling.parameters import SamplingParameters

ROW = {
    "id": "a-1", "novel": "a", "chapter": 3, "length": "short", "instruction": "续写：",
    "input": "雾来了。", "output": "灯亮了。", "system": "", "history": [], "completion_span": [4, 8],
}  # fmt: skip
SAMPLING = {
    "prompts": 4, "systems": ["far", "base", "other", "tuned"], "system": None, "temperature": 0.7,
    "top_p": 0.9, "top_k": 50, "repetition_penalty": 1.2, "max_new_tokens": 8, "target_chars": 0, "variants": {}, "drafts": 1, "outlines": None,
}  # fmt: skip
RIVALS = {
    "far": {"endpoint": "far", "identity": {"name": "far", "model": "reader"}, "weights": []},
    "other": {
        "model": "results/models/m/hf",
        "adapter": "results/adapters/other",
        "template": "alpaca",
        "history_turns": 2,
        "state": False,
        "trust_remote_code": True,
    },
}


@pytest.fixture
def asked(monkeypatch) -> list[tuple]:
    """Who was asked with what, where no model answers."""
    seen = []

    def trained(rows, adapter, names, sampling, journal_folder, history_turns, exam, remembering):
        assert exam is None
        seen.append((names, adapter.adapter.name, adapter.template, history_turns))
        return {name: {row["id"]: {"text": f"by {name}"} for row in rows} for name in names}

    def endpoint(rows, name, entry, weights, sampling, llm, threads, remembering):
        seen.append(([name], entry["model"], weights))
        return {row["id"]: {"text": f"by {name}"} for row in rows}

    monkeypatch.setattr(systems, "sample_trained", trained)
    monkeypatch.setattr(script, "sample_trained", trained)
    monkeypatch.setattr(systems, "sample_endpoint", endpoint)
    return seen


def test_each_system_is_asked_in_its_own_way_and_stands_in_the_order_of_the_config(asked, tmp_path):
    write_rows(tmp_path / "test.jsonl", [ROW])
    write_rows(
        tmp_path / "chapters.jsonl", [{"start": 0, "end": 0}] * 2 + [{"start": 0, "end": 12}]
    )
    write_text(tmp_path / "text.txt", "雾来了。灯亮了。人走了。")
    script.sample_outputs(
        str(tmp_path / "test.jsonl"),
        [str(tmp_path / "text.txt")],
        [str(tmp_path / "chapters.jsonl")],
        "results/adapters/mine/adapter_model.safetensors",
        ["results/models/m/hf/config.json", "results/models/m/model.json"],
        None,
        None,
        str(tmp_path / "samples.jsonl"),
        names=["a"],
        sampling=SAMPLING,
        template="qwen",
        history_turns=0,
        language="zh",
        trust_remote_code=False,
        exam={"read": 8, "auc": 0.9},
        rivals=RIVALS,
        endpoints={"far": {"model": "reader"}},
        llm={},
        threads=1,
    )
    assert asked == [
        (["base", "tuned"], "mine", "qwen", 0),
        (["far"], "reader", None),
        (["other"], "other", "alpaca", 2),
    ]
    (sample,) = read_rows(tmp_path / "samples.jsonl")
    assert list(sample["outputs"]) == SAMPLING["systems"]
    assert sample["outputs"]["other"] == {"text": "by other"}
    assert sample["reference"] == "灯亮了。" and sample["prompt"]["input"] == "雾来了。"


def test_a_variant_is_a_system_beside_its_own():
    outputs = {name: {"a-1": {"text": name}} for name in ("other", "base", "base@dull", "tuned", "tuned@dull")}  # fmt: skip
    (sample,) = systems.side_by_side([ROW], ["灯亮了。"], outputs, ["tuned", "base", "other"])
    assert list(sample["outputs"]) == ["tuned", "tuned@dull", "base", "base@dull", "other"]


def test_each_variant_is_drawn_with_its_own_values(monkeypatch, tmp_path):
    class Loaded:
        on = True

        @contextmanager
        def disable_adapter(self):
            self.on = False
            yield
            self.on = True

    class Adapter:
        model, adapter = tmp_path / "hf", tmp_path
        arguments: dict = {"cutoff_len": 64}

        def load(self):
            return Loaded(), None

        def prompting(self, tokenizer):
            return None

        def identities(self):
            return "base", "base+adapter"

    seen = []

    def local(model, prompting, rows, *, name, identity, journal, parameters, **settings):
        seen.append((name, model.on, parameters.repetition_penalty, parameters.min_p))
        return {}

    monkeypatch.setattr(systems, "sample_local", local)
    sampling = asdict(SamplingParameters(repetition_penalty=1.2)) | {
        "seed": 0, "system": None, "max_new_tokens": 8, "target_chars": 0, "batch_size": 8,
        "variants": {"free": {"repetition_penalty": 1}, "other": {"min_p": 0.1}},
    }  # fmt: skip
    found = systems.sample_trained([], Adapter(), ["base", "tuned"], sampling, tmp_path / "j", 0)
    assert seen == [
        ("base", False, 1.2, 0), ("base@free", False, 1, 0), ("base@other", False, 1.2, 0.1),
        ("tuned", True, 1.2, 0), ("tuned@free", True, 1, 0), ("tuned@other", True, 1.2, 0.1),
    ]  # fmt: skip
    assert list(found) == [name for name, *_ in seen]
