"""Stages of an adapter: whose settings count, and which can follow each other."""

import pytest
from xuxie.config.stages import stages_of
from xuxie.errors import UserError


def adapter(*stages, **train) -> dict:
    return {
        "dataset": "small",
        "train": train,
        "tokens": 1000,
        "stages": [{"train": {}, "tokens": None, **stage} for stage in stages],
    }


def test_a_stages_own_settings_stand_over_the_adapters():
    both = adapter({"stage": "pt", "train": {"learning_rate": 2}, "tokens": 50}, {"stage": "sft"}, learning_rate=1, seed=3)  # fmt: skip
    pt, sft = stages_of("mine", both).values()
    assert (pt.train, pt.tokens, pt.before) == ({"learning_rate": 2, "seed": 3}, 50, None)
    assert (sft.train, sft.tokens, sft.before) == ({"learning_rate": 1, "seed": 3}, 1000, pt)


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([{"stage": "pt"}, {"stage": "pt"}], "pt stands there twice"),
        ([{"stage": "pt"}, {"stage": "sft", "train": {"lora_rank": 4}}], "lora_rank is 8 in the stage pt"),
        ([{"stage": "pt", "train": {"use_dora": True}}, {"stage": "sft"}], "use_dora is True"),
    ],
)  # fmt: skip
def test_stages_that_cannot_follow_each_other_are_refused(stages, message):
    with pytest.raises(UserError, match=message):
        stages_of("mine", adapter(*stages, lora_rank=8))
