"""The estimate's promise, give or take a quarter, where a real tokenizer counts what is asked and answered."""

import pytest
import roles
from fault_server import FaultServer
from llm_case import ask
from workspace import REPOSITORY
from xuxie.llm import Usage
from xuxie.llm.usage import Price
from xuxie.pairs import rubric
from xuxie.pairs.estimate import Role, about, of_generator, of_judge
from xuxie.pairs.modes import candidates, questions
from xuxie.pairs.planning import plan_chunks
from xuxie.pairs.templates import OF_GENERATOR, OF_JUDGE
from xuxie.text.tokens import count_of

pytestmark = pytest.mark.embedded

ASKING = {
    "lengths": [{"name": "short", "share": 1, "prompt": [60, 250], "completion": [80, 250]}],
    "per_chunk": 2,
    "seed": 0,
}
CALIBRATION = 0.5


@pytest.fixture(scope="module")
def count(embedded_folder):
    return count_of(embedded_folder("qwen2.5-coder-0.5b") / "hf/tokenizer.json")


@pytest.fixture
def server(count):
    """A reader that counts as Qwen does: tokens of the conversation in ChatML, and of the answer with its end."""

    def counted(completion, _):
        asked = "".join(
            f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
            for message in server.bodies[-1]["messages"]
        )
        answer = completion["choices"][0]["message"]["content"]
        completion["usage"] = {
            "prompt_tokens": count(f"{asked}<|im_start|>assistant\n"),
            "completion_tokens": count(answer) + 1,
        }
        return completion

    with FaultServer(answer=roles.answer, edit=counted) as server:
        yield server


def templates(names: tuple[str, ...]) -> list[str]:
    return [str(REPOSITORY / f"resources/prompts/zh/{name}.txt") for name in names]


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("structured", ["schema", "text"])
@pytest.mark.parametrize("mode", ["cut", "span", "write"])
def test_what_both_roles_take_is_estimated_within_a_quarter(
    server, count, novel_text, tmp_path, mode, structured, known
):
    chunks = [
        {
            "id": f"c{start}",
            "novel": "n",
            "chapter": 1,
            "start": start,
            "end": start + 600,
            "text": novel_text[start : start + 600],
        }
        for start in range(0, 9000, 600)
    ]
    novel = tmp_path / "text.txt"
    novel.write_text(novel_text, encoding="utf-8")
    plans = [plan for plan in plan_chunks(chunks, {**ASKING, "mode": mode}, None) if plan.slots]
    role = Role("p", Price(), structured != "schema", count if known else about)

    def taken(asked) -> tuple[Usage, list]:
        given = {"structured": structured, "concurrency": 1, "max_tokens": 1000, "attempts": 1}
        outcomes = ask(server, asked, tmp_path / "journal", **given)
        return sum((outcome.usage for outcome in outcomes), Usage()), outcomes

    asked = questions(plans, templates(OF_GENERATOR[mode]), mode, bounded=False, sampling={})
    took, outcomes = taken(asked)
    found = of_generator(asked, plans, role, mode=mode)
    assert found.calls == took.calls
    assert found.input == pytest.approx(took.input, rel=0.03 if known else 0.25)
    if mode == "cut":  # how many words there are in other answers, the reader decides
        assert found.output == pytest.approx(took.output, rel=0.25)

    rows = candidates(plans, outcomes, str(novel) if mode == "write" else None)
    pairs = [row for row in rows if "failed" not in row]
    judged = rubric.questions(
        pairs, chunks, templates(OF_JUDGE), calibration=CALIBRATION, seed=0, sampling={}
    )
    took, _ = taken(judged)
    found = of_judge(plans, templates(OF_JUDGE), role, mode=mode, calibration=CALIBRATION)
    assert found.calls == pytest.approx(took.calls, rel=0.25)
    if mode != "write":  # nor how long written pairs are
        assert found.input == pytest.approx(took.input, rel=0.25)
