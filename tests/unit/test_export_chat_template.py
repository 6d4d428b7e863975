"""The chat templates that go along ask with the tokens of training."""

import re

import pytest
from tiny_model import CHAT_TEMPLATE, make_tiny_model
from workspace import REPOSITORY
from xuxie.errors import UserError
from xuxie.export.chat_template import (
    asked_ids,
    chat_template,
    messages_of,
    ollama_template,
    stop_tokens,
)
from xuxie.export.modelfile import modelfile, window
from xuxie.models.loading import load_tokenizer
from xuxie.prompts.prompting import Prompting
from xuxie.sampling.parameters import SamplingParameters

INSTRUCTION = "续写以下小说片段："
ROW = {
    "id": "r",
    "instruction": INSTRUCTION,
    "input": "雾从海上来。",
    "output": "门开了。",
    "system": "你是'作者'",
    "history": [["问", "答"]],
}
LAYOUT = REPOSITORY / "resources/export/Modelfile.j2"
SAMPLING = {
    **vars(
        SamplingParameters(
            temperature=0.7, top_p=0.9, top_k=50, repetition_penalty=1.2, penalty_window=0
        )
    ),
    "max_new_tokens": 300,
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(
        make_tiny_model(
            tmp_path_factory.mktemp("tiny"),
            "雾从海上来，灯塔的光在雾里打着转。" * 4,
            vocabulary=300,
        )
    )


def rendered(template: str, messages: list[dict]) -> str:
    """What Ollama makes of a chat with a template of the kind that is written here: its own language is Go's."""
    whole = re.fullmatch(
        r"(?P<prefix>.*?)\{\{ if \.System \}\}(?P<system>.*?)\{\{ end \}\}\{\{ range \.Messages \}\}"
        r'\{\{ if eq \.Role "user" \}\}(?P<user>.*?)\{\{ else if eq \.Role "assistant" \}\}(?P<assistant>.*?)\{\{ end \}\}\{\{ end \}\}',
        template,
        re.DOTALL,
    )
    text = whole["prefix"]
    for message in messages:
        text += (
            whole[message["role"]]
            .replace("{{ .System }}", message["content"])
            .replace("{{ .Content }}", message["content"])
        )
    return text


def test_a_row_becomes_the_chat_that_asks_for_its_output():
    assert messages_of(ROW) == [
        {"role": "system", "content": "你是'作者'"},
        {"role": "user", "content": "问"},
        {"role": "assistant", "content": "答"},
        {"role": "user", "content": f"{INSTRUCTION}\n雾从海上来。"},
    ]
    assert messages_of(ROW, "别的")[0]["content"] == "别的"
    assert messages_of({**ROW, "system": ""})[0]["role"] == "user"


@pytest.mark.parametrize("template", ["qwen", "alpaca", "default", "chatml", "llama3", "gemma"])
def test_the_chat_template_asks_with_the_tokens_of_training(tokenizer, template):
    prompting = Prompting(tokenizer, template)
    found = chat_template(prompting, [ROW])
    for row in (ROW, {**ROW, "history": []}, {**ROW, "system": ""}):
        assert asked_ids(prompting.tokenizer, found, row) == prompting.prompt_ids(row)


def test_the_models_own_template_is_kept_if_it_asks_as_trained(tokenizer):
    assert chat_template(Prompting(tokenizer, "qwen3_nothink"), [ROW]) == CHAT_TEMPLATE
    # Without a system prompt `qwen` has one of its own, which the model's template does not know.
    assert chat_template(Prompting(tokenizer, "qwen"), [ROW]) != CHAT_TEMPLATE


def test_a_training_template_that_no_chat_template_says_is_refused(tokenizer, monkeypatch):
    prompting = Prompting(tokenizer, "qwen")
    monkeypatch.setattr(prompting, "prompt_ids", lambda row, system=None: [1, 2, 3])
    with pytest.raises(UserError, match="no chat template asks as the model was trained"):
        chat_template(prompting, [ROW])


@pytest.mark.parametrize("template", ["qwen", "alpaca", "chatml", "llama3"])
def test_ollama_asks_with_the_tokens_of_training_though_the_person_types_the_passage_alone(
    tokenizer, template
):
    prompting = Prompting(tokenizer, template)
    typed = [{"role": "system", "content": "你是作者"}, {"role": "user", "content": "雾从海上来。"}]
    text = rendered(ollama_template(prompting, INSTRUCTION), typed)
    row = {**ROW, "system": "你是作者", "history": []}
    assert prompting.tokenizer.encode(text, add_special_tokens=False) == prompting.prompt_ids(row)


def test_an_instruction_with_braces_is_text_to_ollama(tokenizer):
    assert '{{ "{{" }}续写}}\n{{ .Content }}' in ollama_template(
        Prompting(tokenizer, "qwen"), "{{续写}}"
    )


def test_the_stops_of_training_are_those_of_the_modelfile(tokenizer):
    assert stop_tokens(Prompting(tokenizer, "qwen")) == ["<|im_end|>"]
    assert stop_tokens(Prompting(tokenizer, "alpaca")) == ["<|endoftext|>"]


def test_the_modelfile_names_file_template_system_stops_and_values(tokenizer):
    text = modelfile(
        LAYOUT, Prompting(tokenizer, "qwen"), name="mine", quantisations=["q8_0", "f16"], system="你是作者", instruction=INSTRUCTION,
        sampling=SAMPLING, context=2048,
    )  # fmt: skip
    lines = text.splitlines()
    assert (
        "FROM ./model.q8_0.gguf" in lines
        and 'SYSTEM """你是作者"""' in lines
        and 'PARAMETER stop "<|im_end|>"' in lines
    )
    assert {
        "PARAMETER temperature 0.7",
        "PARAMETER top_p 0.9",
        "PARAMETER top_k 50",
        "PARAMETER repeat_penalty 1.2",
    } <= set(lines)
    assert {
        "PARAMETER repeat_last_n -1",
        "PARAMETER num_predict 300",
        "PARAMETER num_ctx 2048",
    } <= set(lines)
    assert f"{INSTRUCTION}\n{{{{ .Content }}}}" in text and "model.f16.gguf" in text


def test_without_a_system_prompt_the_templates_own_default_stands_as_in_training(tokenizer):
    prompting = Prompting(tokenizer, "qwen")
    text = modelfile(
        LAYOUT,
        prompting,
        name="mine",
        quantisations=[],
        system=None,
        instruction="",
        sampling=SAMPLING,
        context=2048,
    )
    assert (
        prompting.template.default_system
        and f'SYSTEM """{prompting.template.default_system}"""' in text
    )
    assert "FROM ./hf\n" in text and "{{ .Content }}" in text


def test_the_modelfile_shows_how_an_outline_is_written_where_rows_had_them(tokenizer):
    def written(outline: str) -> str:
        return modelfile(
            LAYOUT, Prompting(tokenizer, "qwen"), name="mine", quantisations=["q8_0"], system=None, instruction=INSTRUCTION,
            sampling=SAMPLING, context=2048, outline=outline,
        )  # fmt: skip

    (line,) = [line for line in written("【接下来：他走了。】").splitlines() if "接下来" in line]
    assert line.startswith("# ") and line.endswith("before the passage: 【接下来：他走了。】")
    assert "on a line of its own" not in written("")


def test_a_system_prompt_that_would_end_its_own_quotes_is_refused(tokenizer):
    with pytest.raises(UserError, match="the system holds"):
        modelfile(
            LAYOUT,
            Prompting(tokenizer, "qwen"),
            name="m",
            quantisations=[],
            system='a"""b',
            instruction="",
            sampling=SAMPLING,
            context=1,
        )


def test_ollamas_window_holds_a_row_and_an_answer_and_never_more_than_the_model():
    assert window(1024, 300, 32768) == 4096
    assert window(8192, 300, 32768) == 8492
    assert window(8192, 300, 2048) == 2048
