"""Samples of a loaded model: journal, turns, and what an output says about itself."""

import pytest
import torch
from tiny_model import make_tiny_model
from xuxie.errors import UserError
from xuxie.llm.journal import Journal
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import BARE, Prompting
from xuxie.sampling import local
from xuxie.sampling.decoding import Continuation
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.spread import evenly_spread
from xuxie.sampling.turns import Story

TEXT = "雾从海上来，灯塔的光在雾里打着转。阿澈数到第七下，听见有人敲门。\n" * 3
ROWS = [
    {
        "id": f"r{i}",
        "instruction": "续写：",
        "input": TEXT[i : i + 30],
        "output": "门开了。",
        "system": "你是作者",
        "history": [],
    }
    for i in range(3)
]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    torch.set_num_threads(1)
    return load_model(
        make_tiny_model(tmp_path_factory.mktemp("tiny"), TEXT, vocabulary=400), dtype="float32"
    )


def sample(loaded, folder, rows=ROWS, identity="m", template="qwen", **settings):
    model, tokenizer = loaded
    with Journal(folder) as journal:
        return local.sample_local(
            model, Prompting(tokenizer, template), rows, name="tuned", identity=identity, journal=journal, parameters=SamplingParameters(penalty_exempt=()),
            **{"seed": 0, "system": None, "max_new_tokens": 12, **settings},
        )  # fmt: skip


def without_time(outputs):
    return {
        name: {key: value for key, value in output.items() if key != "seconds"}
        for name, output in outputs.items()
    }


def test_an_interrupted_run_goes_on_where_it_was(loaded, tmp_path, monkeypatch):
    expected = sample(loaded, tmp_path / "whole")
    decode = local.decode

    def breaks_after_one(*arguments, **named):
        for count, answer in enumerate(decode(*arguments, **named)):
            if count == 1:
                raise KeyboardInterrupt
            yield answer

    monkeypatch.setattr(local, "decode", breaks_after_one)
    with pytest.raises(KeyboardInterrupt):
        sample(loaded, tmp_path / "broken")
    asked = []

    def counting(model, requests, **named):
        asked.extend(request.key for request in requests)
        return decode(model, requests, **named)

    monkeypatch.setattr(local, "decode", counting)
    assert without_time(sample(loaded, tmp_path / "broken")) == without_time(expected)
    assert len(asked) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"identity": "other weights"},
        {"seed": 1},
        {"max_new_tokens": 13},
        {"template": "alpaca"},
        {"system": "别的"},
    ],
)
def test_the_journal_answers_only_what_was_asked(loaded, tmp_path, monkeypatch, change):
    sample(loaded, tmp_path)
    decode, asked = local.decode, []

    def counting(model, requests, **named):
        asked.extend(requests)
        return decode(model, requests, **named)

    monkeypatch.setattr(local, "decode", counting)
    sample(loaded, tmp_path)
    assert not asked
    sample(loaded, tmp_path, **change)
    assert len(asked) == 3


def test_long_continuations_reach_their_target_in_turns(loaded, tmp_path):
    for template in ("qwen", BARE):
        outputs = sample(loaded, tmp_path, template=template, target_chars=40)
        for output in outputs.values():
            assert len(output["text"]) >= 40 and output["turns"][-1] == len(output["text"])
            assert len(output["turns"]) > 1 and output["turns"] == sorted(output["turns"])
            assert output["forgotten"] == 0


def long_row():
    return {**ROWS[0], "input": "雾从海上来，灯塔的光在雾里打着转。" * 3}


def answered_by(loaded, monkeypatch, answer):
    """Let a function write in place of the model; the requests it got."""
    asked = []

    def decode(model, requests, **named):
        while requests:
            request = requests.popleft()
            asked.append(request)
            text = answer(request)
            ids = loaded[1].encode(text, add_special_tokens=False)
            stop = "length" if text and not text.strip().endswith("。") else "natural"
            yield request, Continuation(ids, stop, 0.0)

    monkeypatch.setattr(local, "decode", decode)
    return asked


def written(*turns, row=ROWS[0]):
    story = Story(row)
    for text in turns:
        story.add(text, stop="length", tokens=len(text), prompt_tokens=10, seconds=0.5)
    return story


def prompt(loaded, story, room=10_000, template="qwen"):
    return local.prompt_within(story, Prompting(loaded[1], template), None, room)


def test_a_turn_asks_as_the_training_data_does(loaded):
    decoded = loaded[1].decode(prompt(loaded, written()))
    assert (
        decoded
        == f"<|im_start|>system\n你是作者<|im_end|>\n<|im_start|>user\n续写：\n{ROWS[0]['input']}<|im_end|>\n<|im_start|>assistant\n"
    )
    story = written("门外站着一个人。", "他没有影子。")
    decoded = loaded[1].decode(prompt(loaded, story))
    assert (
        decoded.index(ROWS[0]["input"])
        < decoded.index("门外站着一个人。")
        < decoded.index("续写：\n他没有影子。")
    )
    assert decoded.count("他没有影子。") == 1
    assert story.output() == {
        "text": "门外站着一个人。他没有影子。", "stop": "length", "tokens": 14, "prompt_tokens": 20, "seconds": 1.0, "turns": [8, 14],
        "forgotten": 0, "foreign_stop": None,
    }  # fmt: skip


def test_a_row_s_own_history_comes_first():
    story = written("二。", "三。", row={**ROWS[0], "input": "一。", "history": [["问", "答"]]})
    asks = list(story.asks())
    assert asks[0]["history"] == [["问", "答"], ["续写：\n一。", "二。"]]
    assert [ask["history"] for ask in asks[1:]] == [[], []]
    assert [ask["input"] for ask in asks] == ["三。"] * 3


def test_the_window_forgets_the_oldest_first(loaded):
    row = {**ROWS[0], "input": "雾从海上来。"}
    story = written("一个人走来。", "两个人走来。", "三个人走来。", row=row)
    whole = len(prompt(loaded, story))
    ids = prompt(loaded, story, room=whole - 1)
    assert (
        len(ids) < whole
        and row["input"] not in loaded[1].decode(ids)
        and "两个人走来。" in loaded[1].decode(ids)
    )
    assert story.output()["forgotten"] == len(row["input"])
    assert len(prompt(loaded, written("三个人走来。"), room=5, template=BARE)) == 5


def test_a_bare_model_too_reads_whole_sentences(loaded):
    story = written("一个人走来。", "两个人走来。", row={**ROWS[0], "input": "雾从海上来。"})
    whole = prompt(loaded, story, template=BARE)
    assert loaded[1].decode(whole) == "雾从海上来。一个人走来。两个人走来。"
    fewer = prompt(loaded, story, room=len(whole) - 1, template=BARE)
    assert loaded[1].decode(fewer) == "一个人走来。两个人走来。"


def test_a_prompt_that_outgrows_the_window_by_itself_is_the_user_s_to_mend(
    loaded, tmp_path, monkeypatch
):
    monkeypatch.setattr(loaded[0].config, "max_position_embeddings", 20)
    with pytest.raises(UserError, match="window"):
        sample(loaded, tmp_path)


def test_where_rows_have_no_earlier_turns_the_story_so_far_is_the_prompt():
    story = Story({**ROWS[0], "input": "一。"}, history_turns=0)
    assert next(story.asks())["input"] == "一。"
    for text in ("二。", "三。"):
        story.add(text, stop="natural", tokens=1, prompt_tokens=1, seconds=0)
    asks = list(story.asks())
    assert [ask["input"] for ask in asks] == ["一。二。三。", "二。三。", "三。"]
    assert not any(ask["history"] for ask in asks)


def test_a_question_has_no_more_earlier_turns_than_rows_have():
    story = Story({**ROWS[0], "input": "一。"}, history_turns=1)
    for text in ("二。", "三。", "四。"):
        story.add(text, stop="natural", tokens=1, prompt_tokens=1, seconds=0)
    ask = next(story.asks())
    assert ask["input"] == "四。" and ask["history"] == [["续写：\n二。", "三。"]]
    assert story.forgotten == len("一。")


def test_no_turn_asks_with_half_a_sentence():
    """An answer that ended for want of room is taken back to its last whole sentence, which the next turn goes on from."""
    story = written("门外站着一个人。他没有影子，只")
    assert next(story.asks())["input"] == "门外站着一个人。"
    story.add("他笑了。", stop="natural", tokens=4, prompt_tokens=10, seconds=0)
    assert story.output()["text"] == "门外站着一个人。他笑了。"
    assert written("没有一句写完").output()["text"] == "没有一句写完"
    assert next(written("没有一句写完").asks())["input"] == "没有一句写完"


def test_a_story_that_falls_silent_ends():
    assert written().continues(100) and written("话。").continues(100)
    assert not written("话。").continues(2) and not written("话。").continues(0)
    assert written("话。", " ", "\n").continues(100)
    assert not written("话。", " ", "", "\n").continues(100)
    assert written("话。", " ", "", "又一句。", " ", "").continues(100)
    assert not written("").continues(0)
    assert written("话。", " ", "又一句。").output()["turns"] == [2, 6]


def test_after_silence_it_is_asked_the_same_with_other_random_numbers(
    loaded, tmp_path, monkeypatch
):
    answers = {(0,): "门外站着一个人。", (1,): "", (1, 1): " ", (1, 2): "他没有影子。", (2,): "", (2, 1): "", (2, 2): ""}  # fmt: skip
    asked = answered_by(loaded, monkeypatch, lambda request: answers[request.key[1:]])
    (output,) = sample(loaded, tmp_path, rows=ROWS[:1], target_chars=100).values()
    assert [request.key[1:] for request in asked] == list(answers)
    assert asked[1].ids == asked[2].ids == asked[3].ids != asked[4].ids
    assert output["text"] == "门外站着一个人。他没有影子。" and output["stop"] == "natural"
    # From the journal alone it ends alike.
    asked.clear()
    again = sample(loaded, tmp_path, rows=ROWS[:1], target_chars=100)
    assert not asked and again[ROWS[0]["id"]] == output


SENTENCES = [f"{number}下，雾从海上来，有人敲门。" for number in range(2000)]


@pytest.mark.parametrize("window", [256, 1024, 2048])
@pytest.mark.parametrize("length", [1, 30], ids=["a sentence a turn", "many"])
def test_whatever_the_window_a_target_is_reached(loaded, tmp_path, monkeypatch, window, length):
    """The tokenizer is real, and answers come from a list, of one sentence each or cut in the middle of the thirtieth."""
    told, target = iter(SENTENCES), 10_000

    def answer(request):
        text = "".join(next(told) for _ in range(length))
        return text if length == 1 else text[:-5]

    monkeypatch.setattr(loaded[0].config, "max_position_embeddings", 4096)
    asked = answered_by(loaded, monkeypatch, answer)
    (output,) = sample(
        loaded, tmp_path, rows=[long_row()], target_chars=target, window=window, max_new_tokens=300, history_turns=0,
    ).values()  # fmt: skip
    assert len(output["text"]) >= target
    shown = [loaded[1].decode(request.ids).split("续写：\n")[1].split("<|im_end|>")[0] for request in asked]  # fmt: skip
    for request, text in zip(asked[1:], shown[1:], strict=True):
        assert len(request.ids) + request.max_new_tokens <= window
        # It neither begins nor breaks off within a sentence, and is the end of the story.
        assert text[0] in "0123456789雾" and text.endswith("敲门。")
    assert max(len(request.ids) for request in asked[1:]) > window // 4
    assert output["forgotten"] > 0


def test_what_a_story_forgets_it_forgets_for_several_turns(loaded):
    story = Story({**ROWS[0], "input": "".join(SENTENCES[:20])}, history_turns=0)
    left = []
    for sentence in SENTENCES[20:60]:
        for ask in story.asks():
            if len(ask["input"]) <= 400:
                break
        left.append(story.forgotten)
        story.add(sentence, stop="natural", tokens=9, prompt_tokens=9, seconds=0)
    assert left == sorted(left) and 2 < len(set(left)) <= 10
    assert len(ask["input"]) > 250


def test_a_turn_that_ended_within_a_sentence_begins_no_input(loaded):
    for history_turns in (0, 1, None):
        story = Story({**ROWS[0], "input": "一个人走来。"}, history_turns=history_turns)
        for text in ("两个人走来，", "又走了。三个人走来。", "四个人走来。"):
            story.add(text, stop="natural", tokens=9, prompt_tokens=9, seconds=0)
        for ask in story.asks():
            first = ask["history"][0][0].removeprefix("续写：\n") if ask["history"] else ask["input"]  # fmt: skip
            assert first[0] in "一两三四"


def test_turns_that_go_on_from_what_was_read_write_what_a_whole_reading_of_each_does(
    loaded, tmp_path, monkeypatch
):
    """Interrupted after some turns, nothing of what was read is left, and the same is written all the same."""
    settings = {"target_chars": 60, "history_turns": 0, "batch_size": 2}
    expected = sample(loaded, tmp_path / "whole", **settings)
    assert any(len(output["turns"]) > 3 for output in expected.values())
    decode = local.decode
    for interrupted_after in (2, 5):
        folder = tmp_path / str(interrupted_after)

        def breaks(*arguments, count=interrupted_after, **named):
            answers = decode(*arguments, **named)
            yield from (next(answers) for _ in range(count))
            raise KeyboardInterrupt

        monkeypatch.setattr(local, "decode", breaks)
        with pytest.raises(KeyboardInterrupt):
            sample(loaded, folder, **settings)
        monkeypatch.setattr(local, "decode", decode)
        assert without_time(sample(loaded, folder, **settings)) == without_time(expected)


def test_a_turn_reads_only_what_the_turn_before_has_not(loaded, tmp_path, monkeypatch):
    from xuxie.sampling.row_attention import RowWise

    read, read_on = [], RowWise._read_on

    def counting(self, ids, known, cache):
        read.append((known, len(ids)))
        return read_on(self, ids, known, cache)

    monkeypatch.setattr(RowWise, "_read_on", counting)
    sample(loaded, tmp_path, rows=ROWS[:1], target_chars=60, history_turns=0)
    turns = [(known, whole) for known, whole in read if whole > 3]
    assert len(turns) > 3 and turns[0][0] == 0
    assert all(known > 0.5 * whole for known, whole in turns[1:])


def test_an_end_token_that_nobody_stops_on_is_found(loaded):
    story, tokenizer = written("前文。"), loaded[1]
    ids = (
        tokenizer.encode("门开了。", add_special_tokens=False)
        + [tokenizer.eos_token_id]
        + tokenizer.encode("完", add_special_tokens=False)
    )
    local._take(story, Prompting(tokenizer, "qwen"), Continuation(ids, "length", 0.1), 5)
    assert story.output()["text"] == "前文。门开了。完"
    assert story.output()["foreign_stop"] == 7


def test_prompts_are_spread_over_the_split():
    rows = [{"id": i} for i in range(10)]
    assert [row["id"] for row in evenly_spread(rows, 4)] == [0, 2, 5, 7]
    assert evenly_spread(rows, 10) == evenly_spread(rows, 99) == rows


def test_the_last_turn_has_room_for_what_the_target_lacks(loaded, tmp_path, monkeypatch):
    answers = iter(["门外站着一个人。" * 8, "他没有影子。" * 20 + "灯塔的光", "雾散了。" * 20])
    asked = answered_by(loaded, monkeypatch, lambda request: next(answers))
    (output,) = sample(
        loaded, tmp_path, rows=ROWS[:1], target_chars=200, max_new_tokens=150, history_turns=0
    ).values()
    # 64 characters of 200 stand after the first turn, and after the second 120 more, without the sentence that broke off.
    assert [request.max_new_tokens for request in asked] == [150, 150, 200 - 184 + 60]
    assert len(output["text"]) >= 200


def test_how_an_answer_ends_is_told_of_the_one_that_had_all_the_room():
    story = Story(ROWS[0])
    for stop in ("natural", "length"):
        story.add("门开了。", stop=stop, tokens=4, prompt_tokens=9, seconds=0)
    assert story.output()["stop"] == "natural"
