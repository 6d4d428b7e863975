"""What a stage's rows are said to learn is what bears loss in LLaMA-Factory's own processor."""

import pytest
from dataset_case import built, novel, novel_text, paragraph
from transformers import AutoTokenizer
from workspace import REPOSITORY
from xuxie.config.completion import complete_config
from xuxie.dataset.alpaca import prose
from xuxie.prompts.prompting import IGNORED, Prompting, shaping_arguments
from xuxie.training.stage_rows import stage_rows

MARKS = "<|im_end|>\n"


def arguments(dataset: dict, **train) -> dict:
    """What the stage is told, of the config that a person writes."""
    config = {
        "novels": {"n": {"path": "n.txt"}},
        "default_dataset": dataset,
        "default_adapter": {"train": train},
    }
    complete_config(config, REPOSITORY / "config/schema.yaml")
    (stage,) = config["adapters"]["n"]["stages"]
    return {
        "stage": "sft",
        "template": "qwen",
        **config["adapters"]["n"]["train"],
        **stage["train"],
    }


@pytest.mark.parametrize("cutoff", [100_000, 3200])
@pytest.mark.parametrize("on_prompt", [False, True])
def test_of_rows_with_earlier_turns_the_last_answer_is_learnt_or_all(tiny_model, on_prompt, cutoff):
    dataset = {"history": {"share": 1, "turns": [2, 3]}, "rows": {"prompts": [100]}}
    given = arguments(
        dataset, cutoff_len=cutoff, **({"train_on_prompt": True} if on_prompt else {})
    )
    made = built(novel_text(), **dataset)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    taken = stage_rows(given, made.rows["train"], tokenizer)
    assert bool(taken.account["cut"]) is (cutoff < 100_000) and not taken.account["too_long"]
    assert any(row["history"] for row in taken.rows)
    prompting = Prompting(tokenizer, "qwen", **shaping_arguments(given))
    for row in taken.rows:
        ids, labels = prompting.training_ids(row)
        said = made.text[slice(*row["learnt"])]
        if on_prompt:
            assert ids == labels
            heading = row["prompt_span"][0] == row["prompt_span"][1]
            assert said == (row["output"] if heading else prose(row))
        else:
            borne = tokenizer.decode([label for label in labels if label != IGNORED])
            assert borne.removesuffix(MARKS).removesuffix(MARKS.strip()) == said == row["output"]


def test_what_an_llm_has_written_teaches_nothing_of_the_text(tiny_model):
    plain = novel(novel_text())
    start, end = plain.span(1)
    written = {
        "id": "new", "chunk": "c", "novel": "n", "chapter": 1, "length": "short", "score": 9, "kept": True, "dropped_because": None,
        "prompt": "有人写道：", "completion": paragraph(60, 1), "prompt_span": [start, end], "completion_span": [start, end],
    }  # fmt: skip
    rows = {"cuts": ["pairs"]}
    made = built(plain.text, pairs=[written], rows=rows)
    assert [row["id"] for row in made.rows["train"]] == ["new"]
    taken = stage_rows(
        arguments({"rows": rows}), made.rows["train"], AutoTokenizer.from_pretrained(tiny_model)
    )
    assert [row["learnt"][0] - row["learnt"][1] for row in taken.rows] == [0]
