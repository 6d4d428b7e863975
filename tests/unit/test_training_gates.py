"""Every way in which a run could fail without an error is refused, by row, tokens and remedy."""

import copy
import json

import pytest
import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from training_run import TrainingRun, rows_of
from transformers import (
    AutoTokenizer,
    Gemma3Config,
    Gemma3TextConfig,
    GPT2Config,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from workspace import REPOSITORY
from xuxie.errors import UserError
from xuxie.prompts.prompting import Prompting
from xuxie.training import marker_gates, row_gates
from xuxie.training.checks import memory_gate
from xuxie.training.gates import Gate
from xuxie.training.memory import GIB, Shape, advice, estimate, estimate_sampling


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def rows(novel_text):
    return rows_of(novel_text, 12)


@pytest.fixture
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def found(gate: Gate) -> str:
    return " ".join(f"{finding.where} {finding.what} {finding.remedy}" for finding in gate.findings)


def test_a_sound_run_passes_every_gate(tiny_model, rows, in_folder):
    report = TrainingRun(tiny_model, rows).prepare().check()
    assert report["passed"] and all(gate["passed"] for gate in report["gates"])
    assert {gate["name"]: gate["looked_at"] for gate in report["gates"]}[
        "no row is cut, and each ends with its stop token"
    ] == 10


def test_the_recipe_of_the_blog_is_refused(tiny_model, rows, in_folder):
    """Trained with `alpaca`, asked with `qwen`: the prompt differs, and the stop token is one that nobody heeds."""
    run = TrainingRun(tiny_model, rows, template="alpaca", asked_template="qwen").prepare()
    with pytest.raises(UserError) as refused:
        run.check()
    message = str(refused.value)
    assert "from token 0 on the prompt differs" in message
    assert (
        "rows end with <|endoftext|> (0), but with the template qwen inference stops only on <|im_end|> (2)"
        in message
    )
    assert "small-p" in message and "gates: warn" in message


def test_with_gates_warn_the_run_goes_on_and_the_report_says_so(tiny_model, rows, in_folder):
    report = (
        TrainingRun(tiny_model, rows, template="alpaca", asked_template="qwen", gates="warn")
        .prepare()
        .check()
    )
    assert not report["passed"]
    assert [gate["name"] for gate in report["gates"] if not gate["passed"]] == [
        "the prompt is asked as it was trained",
        "inference stops on the stop token that is trained",
    ]


def test_another_system_prompt_at_sampling_is_found(tokenizer, rows):
    qwen = Prompting(tokenizer, "qwen")
    gate = row_gates.prompt_gate(rows, qwen, qwen, "换一个说法")
    assert "换一个说法" in found(gate) and "sampling.system: null" in found(gate)
    assert not row_gates.prompt_gate(rows, qwen, qwen, None).findings


def test_thinking_in_the_history_is_found(tokenizer, rows):
    """Qwen3's template trains an empty thought into earlier answers, and asks without."""
    qwen3 = Prompting(tokenizer, "qwen3")
    talked = [{**rows[0], "history": [["问", "答"]]}]
    assert row_gates.prompt_gate(talked, qwen3, qwen3, None).findings
    assert not row_gates.prompt_gate(
        rows, Prompting(tokenizer, "qwen3_nothink"), Prompting(tokenizer, "qwen3_nothink"), None
    ).findings


def test_one_row_among_many_that_is_asked_otherwise_is_found(tokenizer, rows):
    """Earlier turns, which only some rows have, are worded otherwise by a template that reasons."""
    qwen3 = Prompting(tokenizer, "qwen3", enable_thinking=False)
    talked = [*rows[:5], {**rows[5], "history": [["问", "答"]]}, *rows[6:]]
    gate = row_gates.prompt_gate(talked, qwen3, qwen3, None)
    assert gate.looked_at == len(rows) and [f.where for f in gate.findings] == [rows[5]["id"]]


@pytest.mark.parametrize("template", ["qwen3", "deepseekr1"])
def test_an_empty_thought_that_would_be_trained_and_never_scored_is_found(
    tokenizer, rows, template
):
    gate = row_gates.answer_gate(rows, Prompting(tokenizer, template))
    assert len(gate.findings) == len(rows)
    assert "<think>" in gate.findings[0].what and "enable_thinking" in found(gate)


def test_so_is_a_line_break_before_the_answer_that_such_a_template_takes_away(tokenizer, rows):
    qwen3 = Prompting(tokenizer, "qwen3", enable_thinking=False)
    assert row_gates.answer_gate([{**rows[0], "output": "\n门开了。"}], qwen3).findings


@pytest.mark.parametrize(
    ("template", "settings"),
    [("qwen3", {"enable_thinking": False}), ("deepseekr1", {"enable_thinking": False}), ("qwen3_nothink", {}), ("qwen", {}), ("alpaca", {})],
)  # fmt: skip
def test_what_is_scored_is_what_was_trained_token_for_token(tokenizer, rows, template, settings):
    prompting = Prompting(tokenizer, template, **settings)
    rows = [{**row, "output": row["output"].lstrip()} for row in rows]
    assert not row_gates.answer_gate(rows, prompting).findings
    assert not row_gates.prompt_gate(rows, prompting, prompting, None).findings
    for row in rows:
        ids, labels = prompting.training_ids(row)
        scored = prompting.prompt_ids(row) + tokenizer.encode(row["output"])
        assert ids[: len(scored)] == scored
        learnt = [label for label in labels if label != -100]
        assert learnt[: len(tokenizer.encode(row["output"]))] == tokenizer.encode(row["output"])


def turns(rows, **settings) -> Gate:
    asked = {"target_chars": 3000, "max_new_tokens": 300, "room": 1000, "history_turns": 0}
    return row_gates.turn_gate(rows, **asked | settings)


def test_turns_that_no_row_has_are_found(rows):
    assert not turns(rows).findings, "without a history the story so far is the prompt"
    assert "no row has more than 0" in found(turns(rows, history_turns=3))
    talked = [{**rows[0], "history": [["问", "答"], ["问", "答"]]}, *rows]
    assert not turns(talked, history_turns=2).findings
    assert "no row has more than 2" in found(turns(talked, history_turns=3))
    assert "set it to 500 or less" in found(turns(rows, max_new_tokens=600))
    assert not turns(rows, history_turns=3, target_chars=0).findings


def test_a_row_that_the_trainer_would_cut_is_named(tokenizer, rows):
    cutoff = 100
    gate = row_gates.whole_row_gate(
        rows[:1],
        Prompting(tokenizer, "qwen"),
        Prompting(tokenizer, "qwen", cutoff_len=cutoff),
        cutoff,
    )
    length = len(Prompting(tokenizer, "qwen").training_ids(rows[0])[0])
    assert gate.findings[0].where == "small-p0"
    assert f"{length} tokens do not fit" in found(gate) and f"cutoff_len to {length}" in found(gate)
    assert "<|im_end|>" in gate.findings[0].what, "the stop token is among what would be lost"


def test_a_row_without_a_stop_token_is_named(tokenizer, rows):
    empty = Prompting(tokenizer, "empty")
    gate = row_gates.whole_row_gate(rows, empty, empty, 4096)
    assert len(gate.findings) == len(rows) and "never learn to stop" in found(gate)


def test_text_that_reads_as_a_special_token_is_found(tokenizer, rows):
    keys = ("input", "output")
    assert not row_gates.text_gate(rows, tokenizer, keys).findings
    bad = {**rows[0], "output": "他说<|im_end|>然后走了"}
    assert "output holds <|im_end|>" in found(row_gates.text_gate([bad], tokenizer, keys))


def test_a_tokenizer_that_splits_the_templates_markers_is_found(rows):
    """What transformers makes of Gemma 3's GGUF: the chat tokens are in the vocabulary, and yet read as characters."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer, bpe.decoder = (
        pre_tokenizers.ByteLevel(add_prefix_space=False),
        decoders.ByteLevel(),
    )
    bpe.train_from_iterator(
        [],
        trainers.BpeTrainer(
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
        ),
    )
    wrong = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token="<|endoftext|>")
    gate = marker_gates.special_token_gate(Prompting(wrong, "qwen"), table_size=1000)
    assert "<|im_start|> is read as the tokens" in found(gate)


def test_a_marker_that_the_model_has_no_embedding_for_is_found(tokenizer):
    gate = marker_gates.special_token_gate(Prompting(tokenizer, "gemma"), table_size=len(tokenizer))
    assert "<end_of_turn> is new to the tokenizer" in found(gate)


def test_the_gate_on_trained_markers_leaves_such_a_marker_to_it(tokenizer):
    """The same of an unused token that the tokenizer has and the table does not."""
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.add_tokens(["<unused0>", "<unused1>"])
    gemma = Prompting(tokenizer, "gemma")
    table = torch.randn(tokenizer.convert_tokens_to_ids("<unused1>"), 64)
    assert not marker_gates.trained_marker_gate(gemma, table, "").findings


@pytest.fixture(scope="module")
def table(tokenizer):
    """Embeddings of a model whose last 100 entries belong to no token, as in Qwen."""
    table = torch.randn(len(tokenizer) + 100, 64, generator=torch.Generator().manual_seed(0))
    table[len(tokenizer) :] = table[-1] + 0.05 * table[len(tokenizer) :]
    return table


def test_a_marker_that_was_never_trained_is_found(tokenizer, table):
    qwen = Prompting(tokenizer, "qwen")
    assert not marker_gates.trained_marker_gate(qwen, table, "").findings
    untrained = table.clone()
    untrained[tokenizer.convert_tokens_to_ids("<|im_end|>")] = table[-1]
    gate = marker_gates.trained_marker_gate(qwen, untrained, "")
    assert [finding.where for finding in gate.findings] == [
        "<|im_end|>"
    ] and "additional_target" in found(gate)
    assert "lm_head" in found(gate)
    assert marker_gates.trained_marker_gate(qwen, untrained, "embed_tokens").findings, (
        "it only reads"
    )
    assert not marker_gates.trained_marker_gate(qwen, untrained, "embed_tokens, lm_head").findings
    assert not marker_gates.trained_marker_gate(
        Prompting(tokenizer, "alpaca"), untrained, ""
    ).findings


# Qwen3-1.7B
SHAPE = Shape.of(
    Qwen2Config(
        hidden_size=2048,
        intermediate_size=6144,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
    )
)


def test_heads_wider_than_their_share_of_the_hidden_size_are_counted_as_they_are():
    """As in Qwen3-0.6B, where 16 heads of 128 stand on a hidden size of 1024."""
    config = Qwen3Config(
        vocab_size=32,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
    )
    with torch.device("meta"):
        layer = Qwen3ForCausalLM(config).model.layers[0]
    linears = [part for part in layer.modules() if isinstance(part, torch.nn.Linear)]
    assert sorted(Shape.of(config).linears) == sorted(
        (linear.in_features, linear.out_features) for linear in linears
    )


def test_of_a_model_that_also_sees_the_part_that_writes_is_counted():
    """Gemma 3 from 4 B on; a tower for pictures stands beside it."""
    text = Gemma3TextConfig(num_hidden_layers=2)
    assert Shape.of(Gemma3Config(text_config=text.to_dict())) == Shape.of(text)


def test_the_memory_of_a_model_that_does_not_tell_its_sizes_is_not_looked_at(tmp_path):
    GPT2Config().save_pretrained(tmp_path)
    arguments = {"model_name_or_path": str(tmp_path), "trust_remote_code": False}
    gate = memory_gate(arguments, {}, 80.0, 1)
    assert not gate.findings and gate.looked_at == 0 and "does not tell its sizes" in gate.note


def test_the_memory_estimate_follows_the_settings():
    settings = {"per_device_train_batch_size": 4, "cutoff_len": 2048}
    base = estimate(SHAPE, settings)
    assert (
        estimate(SHAPE, {**settings, "quantization_bit": 4})["base model"] < base["base model"] / 2
    )
    assert (
        estimate(SHAPE, {**settings, "per_device_train_batch_size": 8})["logits"]
        == 2 * base["logits"]
    )
    assert (
        estimate(SHAPE, {**settings, "disable_gradient_checkpointing": True})["activations"]
        > 5 * base["activations"]
    )
    assert (
        estimate(SHAPE, {**settings, "lora_rank": 16})["adapter and optimizer"]
        == 2 * base["adapter and optimizer"]
    )
    on_cpu = estimate(SHAPE, {**settings, "use_cpu": True})
    assert on_cpu["logits"] == 0
    assert on_cpu["activations"] > base["activations"]


@pytest.mark.parametrize("where", ["additional_target", "lora_target"])
def test_on_a_cpu_a_head_that_is_trained_has_its_logits_all_at_once(where):
    settings = {"cutoff_len": 2048, "use_cpu": True, where: "embed_tokens,lm_head"}
    assert estimate(SHAPE, settings)["logits"] > 0


@pytest.mark.parametrize("written", ["inline", "JSON", "file"])
@pytest.mark.parametrize(("stage", "sharded"), [(1, False), (2, False), (3, True)])
def test_deepspeed_shards_the_weights_in_the_third_stage_of_zero_alone(
    stage, sharded, written, tmp_path
):
    config = {"zero_optimization": {"stage": stage}}
    file = tmp_path / "zero.json"
    file.write_text(json.dumps(config))
    deepspeed = {"inline": config, "JSON": json.dumps(config), "file": str(file)}[written]
    arguments = {"cutoff_len": 2048}
    alone = estimate(SHAPE, arguments, 4)["base model"]
    shared = estimate(SHAPE, {**arguments, "deepspeed": deepspeed}, 4)["base model"]
    assert shared < alone if sharded else shared == alone


@pytest.mark.parametrize("deepspeed", ["absent.json", "{stage: 3}"])
def test_a_configuration_of_deepspeed_that_cannot_be_read_is_refused_by_its_key(deepspeed):
    with pytest.raises(UserError, match=r"deepspeed has no(.|\n)*adapters\.\*\.train\.deepspeed"):
        estimate(SHAPE, {"cutoff_len": 2048, "deepspeed": deepspeed}, 4)


@pytest.mark.parametrize(
    ("largest", "settings", "advised"),
    [
        ("base model", {}, "quantization_bit to 4"),
        (
            "logits",
            {"per_device_train_batch_size": 4},
            "per_device_train_batch_size to 2 and gradient_accumulation_steps to 2",
        ),
        (
            "activations",
            {"disable_gradient_checkpointing": True},
            "disable_gradient_checkpointing to false",
        ),
        ("logits", {"per_device_train_batch_size": 1}, "cutoff_len"),
        ("adapter and optimizer", {}, "lora_rank"),
    ],
)
def test_the_advice_turns_what_is_largest(largest, settings, advised):
    assert advised in advice({largest: 2.0, "other": 1.0}, settings)


def test_more_gpus_are_advised_only_for_what_they_share():
    sharded = {"fsdp": "full_shard auto_wrap"}
    assert "more GPUs" in advice({"base model": 2.0, "activations": 1.0}, sharded)
    assert "more GPUs" not in advice({"base model": 2.0, "keys and values": 1.0}, sharded)


def test_sampling_holds_the_form_that_was_trained():
    whole = {"cutoff_len": 2048}
    settings = {"batch_size": 8, "max_new_tokens": 300}
    base = estimate_sampling(SHAPE, whole, **settings)
    quantised = estimate_sampling(SHAPE, {**whole, "quantization_bit": 4}, **settings)
    assert quantised["base model"] < base["base model"] / 2
    more = estimate_sampling(SHAPE, whole, **{**settings, "batch_size": 16})
    assert more["keys and values"] == 2 * base["keys and values"]
    assert "batch_size" in advice({"keys and values": 2.0, "base model": 1.0}, whole)


def test_the_example_of_14_b_fits_its_gpu_in_the_form_that_it_is_trained_in():
    qwen = Shape.of(
        Qwen2Config(
            vocab_size=152064,
            hidden_size=5120,
            intermediate_size=13824,
            num_hidden_layers=48,
            num_attention_heads=40,
            num_key_value_heads=8,
        )
    )
    example = yaml.safe_load((REPOSITORY / "config/examples/qwen2.5-14b-qlora.yaml").read_text())
    adapter = example["adapters"]["my-novel"]
    settings = {"batch_size": 8, "max_new_tokens": 300}

    def gib(parts: dict) -> float:
        return sum(parts.values()) / GIB

    assert gib(estimate(qwen, adapter["train"])) < adapter["memory"]
    assert gib(estimate_sampling(qwen, adapter["train"], **settings)) < adapter["memory"]
    whole = {**adapter["train"], "quantization_bit": None}
    assert gib(estimate_sampling(qwen, whole, **settings)) > adapter["memory"]


def test_a_run_whose_samples_do_not_fit_into_memory_is_refused(tiny_model, rows, in_folder):
    asking = {"batch_size": 100_000_000}
    run = TrainingRun(tiny_model, rows, asking=asking).prepare()
    with pytest.raises(UserError, match=r"sampling: about(.|\n)*sampling\.batch_size"):
        run.check()


def test_a_run_that_does_not_fit_into_memory_is_refused(tiny_model, rows, in_folder, monkeypatch):
    monkeypatch.setattr("xuxie.training.checks.device_memory", lambda: 1 << 20)
    run = TrainingRun(tiny_model, rows).prepare()
    with pytest.raises(UserError, match="the run fits into memory.*GiB needed"):
        run.check()
