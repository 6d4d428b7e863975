"""What sampling will take counts all that it writes: every variant, and every draft of it."""

import pytest
from xuxie.evaluation.estimate import measured_sampling, tokens_to_sample
from xuxie.files.rows import write_rows

SAMPLING = {
    "systems": ["base", "tuned", "rival"],
    "prompts": 8,
    "max_new_tokens": 100,
    "target_chars": 0,
    "variants": {},
    "drafts": 1,
}


@pytest.mark.parametrize(
    "more, tokens",
    [
        ({}, 1600),
        ({"target_chars": 300}, 4800),
        ({"variants": {"cool": {}, "warm": {}}}, 4800),
        ({"variants": {"cool": {}, "warm": {}}, "drafts": 4}, 19_200),
    ],
)
def test_every_variant_and_draft_of_base_and_tuned_is_foreseen(more, tokens):
    assert tokens_to_sample(SAMPLING | more, held_out=50) == tokens
    assert tokens_to_sample(SAMPLING | more, held_out=4) == tokens / 2


def test_the_rate_of_an_earlier_run_counts_what_its_seconds_were_spent_on(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    timed = tmp_path / "benchmarks/results/sample_outputs/mine.tsv"
    timed.parent.mkdir(parents=True)
    timed.write_text("s\th:m:s\n10.0\t0:00:10\n")
    drafts = {"drafts": {"count": 3, "fit": True}}
    outputs = {
        "base": {"tokens": 10, **drafts},
        "base@cool": {"tokens": 20, **drafts},
        "tuned": {"tokens": 30},
        "rival": {"tokens": 999},
    }
    folder = tmp_path / "results/adapters/mine"
    folder.mkdir(parents=True)
    write_rows(folder / "samples.jsonl", [{"outputs": outputs}])
    assert measured_sampling([folder]).seconds(3 * 10 + 3 * 20 + 30) == pytest.approx(10)
