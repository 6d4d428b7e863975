"""A story written by turns, in a terminal without a person: lines in, text out."""

import shutil

import chat_with_adapter
import pytest
import yaml
from tiny_model import make_tiny_model
from transformers import GenerationConfig
from xuxie.chat.generator import Generator, printable
from xuxie.chat.opening import open_terminal
from xuxie.chat.session import Session
from xuxie.chat.terminal import Terminal
from xuxie.errors import UserError
from xuxie.models.loading import load_model
from xuxie.prompts.prompting import Prompting
from xuxie.sampling.parameters import SamplingParameters

INSTRUCTION = "续写以下小说片段："
SAMPLING = {
    **vars(SamplingParameters()),
    "max_new_tokens": 12,
    "system": None,
}


def told(*lines: str, answers=None, history_turns=0) -> tuple[str, Session, list[int]]:
    """(what was shown, the story, the seeds asked with) of a conversation that says these lines and then ends."""
    waiting, shown, seeds = list(lines), [], []
    given = iter(answers or (f"写{number}。" for number in range(1, 99)))

    def read() -> str:
        if not waiting:
            raise EOFError
        return waiting.pop(0)

    def generate(story, seed, show):
        seeds.append(seed)
        text = next(given)
        show(text)
        return text

    session = Session(INSTRUCTION, "你是作者", history_turns)
    Terminal(session, generate, read, shown.append, seed=7).run()
    return "".join(shown), session, seeds


def test_a_passage_ends_with_an_empty_line_and_is_continued():
    shown, session, _ = told("雾来了。", "灯亮了。", "")
    assert session.text == "雾来了。\n灯亮了。写1。" and "写1。" in shown


def test_an_empty_line_lets_the_model_go_on():
    _, session, _ = told("雾来了。", "", "")
    assert session.text == "雾来了。写1。写2。"


def test_an_empty_line_at_the_start_has_nothing_to_continue():
    shown, session, seeds = told("")
    assert "begin with a passage" in shown and not session.turns and not seeds


def test_a_persons_text_is_a_new_paragraph_unless_it_completes_a_sentence():
    assert told("雾来了。", "", "门开了。", "")[1].text == "雾来了。写1。\n门开了。写2。"
    assert (
        told("雾来了。", "", "完了。", "", answers=["他还没有", "写2。"])[1].text
        == "雾来了。他还没有完了。写2。"
    )


def test_a_model_whose_rows_have_no_earlier_turns_is_asked_with_the_story_so_far():
    _, session, _ = told("雾来了。他走到渡口。", "", "", "门开了。", "")
    session.retry()
    asked = next(session.story().asks())
    assert (asked["instruction"], asked["system"]) == (INSTRUCTION, "你是作者")
    assert (asked["input"], asked["history"]) == ("雾来了。他走到渡口。写1。写2。\n门开了。", [])


def test_a_model_whose_rows_have_earlier_turns_is_asked_with_the_passage_before():
    _, session, _ = told("雾来了。", "", "", "门开了。", "", history_turns=2)
    session.retry()
    first, *shorter = session.story().asks()
    assert (first["instruction"], first["system"], first["input"]) == (
        INSTRUCTION,
        "你是作者",
        "写2。\n门开了。",
    )
    assert first["history"] == [[f"{INSTRUCTION}\n雾来了。", "写1。"]]
    assert [row["history"] for row in shorter] == [[], []]


def test_a_model_is_asked_with_no_more_earlier_turns_than_its_rows_have():
    _, session, _ = told("雾来了。", "", "", "", "", history_turns=1)
    assert len(next(session.story().asks())["history"]) == 1


def test_retry_writes_another_with_another_seed():
    _, session, seeds = told("雾来了。", "", "/retry")
    assert session.text == "雾来了。写2。" and seeds == [7, 8]


def test_undo_takes_the_last_turn_back():
    shown, session, _ = told("雾来了。", "", "门开了。", "", "/undo")
    assert session.text == "雾来了。写1。" and "taken back" in shown
    shown, session, _ = told("雾来了。", "", "/undo", "/undo", "/retry")
    assert (
        session.text == "" and "nothing to take back" in shown and "nothing to write anew" in shown
    )


def test_save_writes_the_story_and_never_over_another(tmp_path):
    file = tmp_path / "story.txt"
    shown, session, _ = told(
        "雾来了。", "", f"/save {file}", f"/save {file}", "/save", "/save /no/such/folder/x"
    )
    assert file.read_text(encoding="utf-8") == session.text + "\n"
    assert f"saved to {file}" in shown and shown.count("not saved") == 2 and "/save FILE" in shown


def test_story_help_quit_and_unknown_commands():
    shown, _, seeds = told("雾来了。", "", "/story", "/nonsense", "/quit", "more", "")
    assert "雾来了。写1。\n" in shown and "there is no /nonsense" in shown and seeds == [7]


def test_an_answer_of_nothing_leaves_the_story_as_it_was():
    shown, session, _ = told("雾来了。", "", "", answers=["", "写2。"])
    assert session.text == "雾来了。写2。" and "nothing to add" in shown


def test_control_characters_of_a_model_never_reach_the_terminal():
    assert printable("雾\x1b[2J来\u202e了\x07\n\t。") == "雾[2J来了\n\t。"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_model(
        tmp_path_factory.mktemp("tiny"), "雾从海上来，灯塔的光在雾里打着转。" * 4, vocabulary=400
    )


@pytest.fixture(scope="module")
def loaded(folder):
    return load_model(folder, dtype="float32")


def generator(loaded, window=2048, **settings) -> Generator:
    return Generator(loaded[0], Prompting(loaded[1], "qwen"), {**SAMPLING, **settings}, window)


def story(text="雾从海上来。"):
    session = Session(INSTRUCTION, None, history_turns=0)
    session.give(text)
    return session.story()


def test_what_is_shown_piece_by_piece_is_what_is_kept(loaded):
    pieces = []
    text = generator(loaded).generate(story(), 0, pieces.append)
    assert text and "".join(pieces) == text
    assert len(pieces) > 2


def test_the_seed_decides_and_greedy_needs_none(loaded):
    def said(seed, **settings):
        return generator(loaded, **settings).generate(story(), seed, lambda piece: None)

    assert said(1) == said(1)
    assert len({said(seed) for seed in range(4)}) > 1
    assert said(1, temperature=0) == said(2, temperature=0)


@pytest.mark.parametrize(
    "wishes",
    [
        {"repetition_penalty": 9.0},
        {"no_repeat_ngram_size": 1},
        {"suppress_tokens": list(range(300))},
        {"typical_p": 0.01},
        {"max_time": 0.0},
    ],
)
def test_what_a_model_comes_to_be_drawn_with_changes_nothing(loaded, monkeypatch, wishes):
    def said():
        return generator(loaded).generate(story(), 2, lambda piece: None)

    alone = said()
    monkeypatch.setattr(loaded[0], "generation_config", GenerationConfig(**wishes))
    assert said() == alone


def test_an_interrupt_keeps_what_was_written(loaded):
    pieces = []

    def show(piece):
        pieces.append(piece)
        if len(pieces) == 3:
            raise KeyboardInterrupt

    text = generator(loaded, max_new_tokens=100).generate(story(), 0, show)
    assert len(pieces) == 3 and text == "".join(pieces)


def test_a_further_turn_remembers_no_more_of_the_story_than_a_row_holds(loaded):
    def asked(turns, **settings):
        session = Session(INSTRUCTION, None, history_turns=0)
        session.give("雾从海上来，灯塔的光在雾里打着转。" * 20)
        for _ in range(turns):
            session.take("灯塔的光。")
            session.give("")
        story = session.story()
        generator(loaded, **settings).generate(story, 0, lambda piece: None)
        return story.forgotten

    assert asked(1) == 0
    assert asked(1, window=120) > 0
    # What a person begins with is read to its end, if the model can.
    assert asked(0, window=120) == 0


def test_a_passage_longer_than_the_window_is_the_persons_to_mend(loaded):
    def generate(asked, seed, show):
        return generator(loaded, max_new_tokens=2040).generate(asked, seed, show)

    session, shown = Session(INSTRUCTION, None, history_turns=0), []
    lines = iter(["雾从海上来。", ""])

    def read():
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    Terminal(session, generate, read, shown.append, seed=0).run()
    assert "window" in "".join(shown) and not session.turns


@pytest.fixture
def workspace(tmp_path, monkeypatch, folder):
    """A folder where an adapter was trained."""
    import peft

    base = tmp_path / "results/models/tiny/hf"
    shutil.copytree(folder, base)
    adapter = tmp_path / "results/adapters/mine"
    model, _ = load_model(base, dtype="float32")
    peft.get_peft_model(
        model, peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")
    ).save_pretrained(adapter)
    (adapter / "gates.json").write_text('{"passed": true}')
    (adapter / "train.yaml").write_text("template: qwen\ncutoff_len: 96\n")
    config = {
        "novels": {"mine": {"path": "mine.txt"}},
        "models": {"tiny": {"source": "path", "name": "x", "template": "qwen"}},
        "endpoints": {"e": {"base_url": "http://127.0.0.1:9/v1", "model": "m"}},
        "scorers": {"judge": {"method": "judge", "endpoint": "e"}},
        "pairs": {"generator": "e", "scorers": ["judge"]},
        "sampling": {"max_new_tokens": 8},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_adapter_of_the_config_is_opened_in_its_template_and_talks(
    workspace, monkeypatch, capsys
):
    lines = iter(["雾从海上来。", "", "/quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    assert chat_with_adapter.main(["--configfile", "config.yaml"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.split("(or Ctrl-D)")[1].strip()) > 0 and "warning" not in shown.err


def test_an_adapter_that_failed_its_gates_talks_with_a_warning(workspace, monkeypatch, capsys):
    (workspace / "results/adapters/mine/gates.json").write_text('{"passed": false}')
    monkeypatch.setattr("builtins.input", lambda prompt: "/quit")
    assert chat_with_adapter.main(["--configfile", "config.yaml"]) == 0
    assert "did not pass its training gates" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("history", "turns"), [({"share": 0}, 0), ({"share": 0.5, "turns": [1, 2]}, 2)]
)
def test_an_adapter_is_asked_with_as_many_earlier_turns_as_its_dataset_has(
    workspace, monkeypatch, history, turns
):
    config = yaml.safe_load((workspace / "config.yaml").read_text())
    config["datasets"] = {"mine": {"novels": ["mine"], "history": history}}
    (workspace / "config.yaml").write_text(yaml.safe_dump(config))
    asked = []
    monkeypatch.setattr(
        Generator, "generate", lambda self, story, seed, show: asked.append(story) or "写了。"
    )
    lines = iter(["雾来了。", "", "/quit"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    assert chat_with_adapter.main(["--configfile", "config.yaml"]) == 0
    assert [story.history_turns for story in asked] == [turns]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--configfile", "none.yaml"], "none.yaml"),
        (["--configfile", "config.yaml", "--adapter", "other"], "'other' is not a key of adapters"),
    ],
)
def test_what_is_not_there_is_told(workspace, capsys, arguments, message):
    assert chat_with_adapter.main(arguments) == 1
    assert message in capsys.readouterr().err


def test_an_adapter_that_is_not_trained_yet_is_told_with_the_command(workspace):
    (workspace / "results/adapters/mine/adapter_model.safetensors").unlink()
    with pytest.raises(
        UserError, match="(?s)not trained yet.*snakemake --cores all results/adapters/mine"
    ):
        open_terminal(chat_with_adapter.resolved(["config.yaml"]))
