"""Raw text in blocks: every token of every chapter carries loss, and no block mixes chapters."""

import pytest
from training_run import TrainingRun, texts_of
from transformers import AutoTokenizer
from xuxie.errors import UserError
from xuxie.files.rows import read_json, read_rows
from xuxie.runtime.llamafactory import import_factory
from xuxie.training.blocks import blocks
from xuxie.training.row_gates import block_gate
from xuxie.training.run import tokenised

SIZE = 200


@pytest.fixture(scope="module")
def tokenizer(tiny_model):
    return AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def with_bos(tiny_model):
    """A tokenizer that begins every text with a token of its own, as Gemma's and Llama's do."""
    from tokenizers import processors

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.bos_token = "<|im_start|>"
    tokenizer._tokenizer.post_processor = processors.TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", tokenizer.bos_token_id)]
    )
    return tokenizer


@pytest.fixture(scope="module")
def made(tokenizer, novel_text):
    return list(blocks(novel_text, tokenizer, SIZE))


def test_the_blocks_follow_each_other_without_a_gap_and_within_their_size(
    made, tokenizer, novel_text
):
    assert made[0].new == 0 and made[-1].end == len(novel_text)
    for before, block in zip(made, made[1:], strict=False):
        assert block.new == before.end, "nothing is left out"
        assert block.start < block.new, "the first new token is predicted from a repeated one"
        assert len(tokenizer.encode(novel_text[block.start : block.new])) <= SIZE // 8
    assert all(len(block.ids) <= SIZE for block in made)


def test_the_blocks_of_a_chapter_are_about_equal(tokenizer, novel_text):
    for length in (700, 1100, 1500, 1900):
        text = novel_text[:length]
        sizes = [len(block.ids) for block in blocks(text, tokenizer, SIZE)]
        assert len(sizes) > 1
        assert min(sizes) > max(sizes) / 3, sizes


def test_the_tokens_are_those_of_the_text_and_a_document_ends_where_the_chapter_does(
    made, tokenizer, novel_text
):
    eos = tokenizer.eos_token_id
    for block in made:
        inner = [token for token in block.ids if token != eos]
        assert tokenizer.decode(inner) == novel_text[block.start : block.end]
    assert [block.ids.count(eos) for block in made] == [1, *[0] * (len(made) - 2), 1]
    assert made[0].ids[0] == eos == made[-1].ids[-1]


def test_a_tokenizers_own_opening_begins_every_block(with_bos, novel_text):
    made = list(blocks(novel_text, with_bos, SIZE))
    assert all(block.ids[0] == with_bos.bos_token_id for block in made)
    assert all(block.ids.count(with_bos.bos_token_id) == 1 for block in made)
    assert all(len(block.ids) <= SIZE for block in made)


def test_blocks_end_where_sentences_end(made, novel_text):
    at_an_end = [novel_text[: block.end].rstrip()[-1] in "。！？…”’」：，" for block in made]
    assert sum(at_an_end) > 0.9 * len(made)


def test_a_sentence_longer_than_a_block_is_cut_and_not_lost(tokenizer):
    text = "一个没有标点的长句" * 100
    made = list(blocks(text, tokenizer, 64))
    assert "".join(text[block.new : block.end] for block in made) == text


def test_a_block_that_holds_nothing_is_refused(tokenizer):
    with pytest.raises(UserError, match=r"does not hold one character(.|\n)*cutoff_len"):
        list(blocks("很长的一段话。" * 9, tokenizer, 2))


def test_every_character_of_every_chapter_carries_loss_in_what_the_trainer_reads(
    tiny_model, tokenizer, novel_text, tmp_path, monkeypatch
):
    """From the dataset's text to LLaMA-Factory's own loader and collator: what has a label is what was said to be learnt."""
    monkeypatch.chdir(tmp_path)
    texts = texts_of(novel_text, 3000)
    run = TrainingRun(tiny_model, texts, stage="pt", train={"cutoff_len": SIZE}).prepare()
    rows = list(read_rows(run / "data/train.jsonl"))
    for text in texts[:-2]:
        start, end = text["span"]
        learnt = set().union(
            *(range(*row["learnt"]) for row in rows if row["chapter"] == text["chapter"])
        )
        assert learnt == set(range(start, end))
        assert all(
            novel_text[slice(*row["span"])] == row["text"]
            and start <= row["span"][0] < row["span"][1] <= end
            for row in rows
            if row["chapter"] == text["chapter"]
        ), "no block holds another chapter's text"
    coverage = read_json(run / "data/ledger.json")["coverage"]
    assert coverage["covered"] == coverage["characters"] == sum(len(t["text"]) for t in texts[:-2])
    assert not block_gate(rows, tokenizer, SIZE).findings

    folder = tokenised(
        {name: run.folder / f"data/{name}.jsonl" for name in ("train", "val")}, tmp_path / "blocks"
    )
    parser = import_factory("llamafactory.hparams.parser")
    arguments = parser.get_train_args(
        {"model_name_or_path": str(tiny_model), "stage": "pt", "do_train": True, "finetuning_type": "lora", "template": "qwen",
         "dataset": "small_train", "eval_dataset": "small_val", "dataset_dir": run / "data", "output_dir": str(tmp_path / "out"),
         "tokenized_path": str(folder), "cutoff_len": SIZE, "use_cpu": True}
    )  # fmt: skip
    model_args, data_args, training_args = arguments[:3]
    loader = import_factory("llamafactory.data.loader")
    data = loader.get_dataset(None, model_args, data_args, training_args, "pt", tokenizer)
    collate = import_factory("transformers").DataCollatorForLanguageModeling(tokenizer, mlm=False)
    assert len(data["train_dataset"]) == len(rows)
    for given, row in zip(data["train_dataset"], rows, strict=True):
        batch = collate([given])
        # The first token of a sequence is predicted from nothing; padding's token, here the end of a text, has no label.
        labelled = [label for label in batch["labels"][0].tolist()[1:] if label != -100]
        wanted = tokenizer.encode(row["text"])
        assert labelled == (wanted if row["input_ids"][0] == tokenizer.eos_token_id else wanted[1:])
