"""A row's token ids are those that LLaMA-Factory itself trains and asks with."""

import pytest
from transformers import AutoTokenizer
from xuxie.errors import UserError
from xuxie.prompts.prompting import BARE, IGNORED, Prompting
from xuxie.runtime.llamafactory import import_factory

ROW = {
    "instruction": "续写以下小说片段：",
    "input": "灯塔的门开着。",
    "output": "他走了进去。",
    "system": "你是一个严谨的故事续写专家，为用户的输入进行续写",
    "history": [["他来了吗？", "还没有。"]],
}


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


def text(prompting, ids):
    return prompting.tokenizer.decode(ids, skip_special_tokens=False)


def test_a_row_is_worded_as_its_template_says(tokenizer):
    prompting = Prompting(tokenizer, "qwen")
    prompt, answer = prompting.split_ids(ROW)
    assert text(prompting, prompt) == (
        "<|im_start|>system\n你是一个严谨的故事续写专家，为用户的输入进行续写<|im_end|>\n"
        "<|im_start|>user\n他来了吗？<|im_end|>\n<|im_start|>assistant\n还没有。<|im_end|>\n"
        "<|im_start|>user\n续写以下小说片段：\n灯塔的门开着。<|im_end|>\n<|im_start|>assistant\n"
    )
    assert text(prompting, answer) == "他走了进去。<|im_end|>\n"
    assert prompting.prompt_ids(ROW) == prompt


@pytest.mark.parametrize("template", ["qwen", "alpaca", "default", "chatml"])
def test_ids_are_those_of_llamafactorys_own_dataset(tokenizer, template, tmp_path):
    """The whole of LLaMA-Factory's loading, from a JSONL file on, gives the same ids and labels."""
    from xuxie.dataset.alpaca import dataset_info
    from xuxie.files.rows import write_json, write_rows

    rows = [ROW, {**ROW, "history": []}, {**ROW, "system": ""}]
    write_rows(tmp_path / "train.jsonl", rows)
    write_json(tmp_path / "dataset_info.json", dataset_info("small", ("train",)))
    hparams = import_factory("llamafactory.hparams")
    data = hparams.DataArguments(
        template=template, dataset="small_train", dataset_dir=str(tmp_path)
    )
    training = import_factory("llamafactory.hparams.training_args").TrainingArguments(
        output_dir=str(tmp_path / "out"), use_cpu=True, do_train=True
    )
    own = AutoTokenizer.from_pretrained(tokenizer.name_or_path)
    chosen = import_factory("llamafactory.data.template").get_template_and_fix_tokenizer(own, data)
    model = hparams.ModelArguments(
        model_name_or_path=tokenizer.name_or_path, cache_dir=str(tmp_path / "cache")
    )
    loaded = import_factory("llamafactory.data").get_dataset(
        chosen, model, data, training, stage="sft", tokenizer=own, processor=None
    )
    prompting = Prompting(tokenizer, template)
    assert [(item["input_ids"], item["labels"]) for item in loaded["train_dataset"]] == [
        prompting.training_ids(row) for row in rows
    ]
    assert prompting.stop_ids == set(chosen.get_stop_token_ids(own))


def test_another_system_prompt_replaces_the_rows(tokenizer):
    prompting = Prompting(tokenizer, "qwen")
    assert "<|im_start|>system\n你好<|im_end|>" in text(
        prompting, prompting.prompt_ids(ROW, system="你好")
    )


def test_bare_is_plain_continuation(tokenizer):
    prompting = Prompting(tokenizer, BARE)
    ids, labels = prompting.training_ids(ROW)
    assert text(prompting, prompting.prompt_ids(ROW)) == ROW["input"]
    assert (
        text(prompting, [label for label in labels if label != IGNORED])
        == ROW["output"] + "<|endoftext|>"
    )
    assert text(prompting, ids) == ROW["input"] + ROW["output"] + "<|endoftext|>"


def test_templates_do_not_touch_each_other(tokenizer):
    """A template changes the tokenizer it is given, and some arguments change the template: neither may leak."""
    before = tokenizer.eos_token
    qwen, alpaca = Prompting(tokenizer, "qwen", default_system="甲"), Prompting(tokenizer, "alpaca")
    assert (tokenizer.eos_token, qwen.tokenizer.eos_token, alpaca.tokenizer.eos_token) == (
        before,
        "<|im_end|>",
        before,
    )
    without = {**ROW, "system": "", "history": []}
    assert "甲" in text(qwen, qwen.prompt_ids(without))
    assert "甲" not in text(qwen, Prompting(tokenizer, "qwen").prompt_ids(without))


def test_an_unknown_template_is_named(tokenizer):
    with pytest.raises(UserError, match="no template 'qwem'"):
        Prompting(tokenizer, "qwem")


def test_torchaudio_stays_away():
    """Other libraries must not find the stand-in that lets LLaMA-Factory be imported."""
    import sys

    import_factory("llamafactory.data")
    stand_in = sys.modules.get("torchaudio")
    assert stand_in is None or stand_in.__file__
