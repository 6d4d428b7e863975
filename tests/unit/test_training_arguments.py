"""A mistaken argument is found before the job, and the message names its key."""

import pytest
import yaml
from xuxie.errors import UserError
from xuxie.training.arguments import machine_arguments, parse_arguments, training_arguments
from xuxie.training.memory import is_sharded

PLACES = {
    "stage": "sft",
    "model": "m",
    "template": "qwen",
    "trust_remote_code": False,
    "dataset": "d",
    "dataset_folder": "data",
    "adapter_folder": "a",
}


def arguments(**train) -> dict:
    return training_arguments(train, **PLACES)


def test_the_flags_of_the_blog_can_all_be_said():
    flags = yaml.safe_load(
        """
        stage: sft
        finetuning_type: lora
        lora_target: all
        per_device_train_batch_size: 4
        gradient_accumulation_steps: 4
        learning_rate: 1e-4
        num_train_epochs: 3
        lr_scheduler_type: cosine
        fp16: true
        logging_steps: 10
        save_steps: 200
        overwrite_cache: true
        plot_loss: true
        """
    )
    rendered = arguments(**flags)
    assert rendered["learning_rate"] == 0.0001, "YAML reads 1e-4 as text"
    assert {name: rendered[name] for name in flags if name != "learning_rate"} == {
        k: v for k, v in flags.items() if k != "learning_rate"
    }
    parse_arguments(rendered)


@pytest.mark.parametrize(
    "train",
    [
        {"quantization_bit": 4, "quantization_method": "bnb", "upcast_layernorm": True},
        {"quantization_bit": 8},
        {"use_dora": True},
        {"use_rslora": True, "lora_rank": 64, "lora_alpha": 128},
        {"additional_target": "embed_tokens,lm_head"},
        {"neat_packing": True, "flash_attn": "sdpa"},
        {
            "load_best_model_at_end": True,
            "eval_strategy": "epoch",
            "save_strategy": "epoch",
            "early_stopping_steps": 3,
        },
    ],
)
def test_methods_pass_through(train):
    parse_arguments(arguments(**train))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (
            {"lora_rnk": 8},
            r"no argument 'lora_rnk'(.|\n)*train\.lora_rnk(.|\n)*did you mean lora_rank",
        ),
        ({"lora_rank": "eight"}, r"lora_rank cannot be 'eight'(.|\n)*train\.lora_rank(.|\n)*int"),
        ({"lora_rank": 8.5}, "lora_rank cannot be 8.5"),
        ({"learning_rate": [1]}, "learning_rate cannot be"),
        ({"lr_scheduler_type": "cosin"}, r"lr_scheduler_type cannot be 'cosin'(.|\n)*cosine"),
        ({"save_strategy": False}, r"save_strategy cannot be False(.|\n)*in quotes"),
        ({"template": "alpaca"}, r"template is not set here(.|\n)*train_template"),
        ({"val_size": 0.1}, r"val_size is not set here(.|\n)*by chapter"),
        ({"finetuning_type": "full"}, "finetuning_type cannot be 'full'"),
    ],
)
def test_a_mistake_is_named_by_its_key(train, message):
    with pytest.raises(UserError, match=message):
        arguments(**train)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"load_best_model_at_end": True, "eval_strategy": "no"}, "load_best_model_at_end"),
        ({"fp16": True, "bf16": True}, "fp16 and bf16"),
        ({"streaming": True}, "max_steps"),
    ],
)
def test_arguments_that_cannot_go_together_are_refused(train, message):
    with pytest.raises(UserError, match=message):
        parse_arguments(arguments(**train))


@pytest.mark.parametrize(
    ("train", "why"),
    [
        ({"pissa_init": True}, "base model's weights"),
        ({"rope_scaling": "linear"}, "another model than the base"),
        ({"shift_attn": True}, "another model than the base"),
        ({"mixture_of_depths": "convert"}, "another model than the base"),
        ({"train_from_scratch": True}, "another model than the base"),
        ({"use_llama_pro": True}, "another model than the base"),
        ({"resize_vocab": True}, "other tokens than the base"),
        ({"add_special_tokens": "<scene>"}, "other tokens than the base"),
        ({"split_special_tokens": True}, "other tokens than the base"),
        ({"use_fast_tokenizer": False}, "cannot be False"),
        ({"quantization_bit": 4, "quantization_method": "hqq"}, "cannot be 'hqq'"),
        ({"adapter_name_or_path": "elsewhere"}, "not set here"),
        ({"create_new_adapter": True}, "not set here"),
        ({"max_samples": 10}, r"not set here(.|\n)*adapters\.\*\.tokens"),
        ({"tokenized_path": "elsewhere"}, "not set here"),
        ({"hf_hub_token": "secret"}, "environment only"),
    ],
)
def test_what_sampling_would_not_reproduce_is_refused_by_name(train, why):
    name = list(train)[-1]
    with pytest.raises(UserError, match=rf"{name}(.|\n)*{why}|{why}(.|\n)*{name}"):
        arguments(**train)


def test_what_llamafactory_takes_and_fails_with_when_it_loads_the_model_is_refused():
    with pytest.raises(
        UserError, match=r"flash_attn cannot be 'fa3'(.|\n)*train\.flash_attn(.|\n)*sdpa, fa2"
    ):
        arguments(flash_attn="fa3")
    for optimizer in ("galore_adamw", "apollo_adamw"):
        with pytest.raises(UserError, match=r"without optim_target_modules(.|\n)*train\.optim"):
            arguments(optim=optimizer)
        assert arguments(optim=optimizer, optim_target_modules="all-linear")["optim"] == optimizer


@pytest.mark.parametrize("bits", [1, 2, 3, 5, 6, "5"])
def test_bits_that_bitsandbytes_does_not_have_are_refused(bits):
    with pytest.raises(
        UserError, match=r"quantization_bit cannot be \d(.|\n)*train\.quantization_bit(.|\n)*4, 8"
    ):
        arguments(quantization_bit=bits)
    assert arguments(quantization_bit="4")["quantization_bit"] == 4
    assert arguments(quantization_bit=None)["quantization_bit"] is None


@pytest.mark.parametrize("fsdp", ["full_shard auto_wrap", ["full_shard", "auto_wrap"]])
def test_ways_of_sharding_may_be_a_list(fsdp):
    rendered = yaml.safe_load(yaml.safe_dump(arguments(fsdp=fsdp)))
    assert rendered["fsdp"] == "full_shard auto_wrap"
    assert is_sharded(rendered)
    with pytest.raises(UserError, match=r"fsdp cannot be(.|\n)*train\.fsdp"):
        arguments(fsdp=["full_shard", "auto_rap"])


def test_saying_no_to_a_refused_argument_is_allowed():
    parse_arguments(arguments(pissa_init=False, rope_scaling=None, resize_vocab=False))


@pytest.mark.parametrize("stage", ["pt", "sft"])
@pytest.mark.parametrize(
    "train",
    [
        {"learning_rate": 1e-3, "lr_scheduler_type": "constant_with_warmup"},
        {"lora_rank": 64, "use_rslora": True},
        {"neftune_noise_alpha": 5},
        {"loraplus_lr_ratio": 16.0},
    ],
)
def test_what_is_worth_trying_passes_in_every_stage(train, stage):
    parse_arguments(training_arguments(train, **{**PLACES, "stage": stage}))


def test_loss_on_the_prompt_belongs_to_rows():
    parse_arguments(arguments(train_on_prompt=True))
    with pytest.raises(UserError, match="train_on_prompt"):
        parse_arguments(training_arguments({"train_on_prompt": True}, **PLACES | {"stage": "pt"}))
    with pytest.raises(UserError, match="no word is lost"):
        training_arguments({"packing": True}, **PLACES | {"stage": "pt"})


def test_a_later_stage_goes_on_with_the_lora_before_it():
    rendered = training_arguments({}, **PLACES, going_on_from="stages/pt")
    assert rendered["adapter_name_or_path"] == "stages/pt"
    parse_arguments(rendered)


def test_the_machine_chooses_the_precision_that_is_left_open():
    assert machine_arguments({}, gpu=True, precision="bfloat16") == {"bf16": True}
    assert machine_arguments({}, gpu=True, precision="float16") == {"fp16": True}
    assert machine_arguments({"fp16": True}, gpu=True, precision="bfloat16") == {}
    assert "bf16" not in machine_arguments({}, gpu=False, precision="float32")
    assert "bf16" not in machine_arguments({"bf16": False}, gpu=False, precision="bfloat16")
    assert machine_arguments({"bf16": False}, gpu=True, precision="float16") == {"fp16": True}
    with pytest.raises(UserError, match="fp16 needs a GPU"):
        machine_arguments({"fp16": True}, gpu=False, precision="bfloat16")


def test_a_cpu_takes_the_rows_of_a_step_one_by_one():
    asked = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
    chosen = machine_arguments(asked, gpu=False, precision="bfloat16")
    assert (chosen["per_device_train_batch_size"], chosen["gradient_accumulation_steps"]) == (1, 16)
    assert chosen["use_cpu"] and chosen["disable_gradient_checkpointing"]
    assert chosen["per_device_eval_batch_size"] == 1, "padding and whole logits cost it minutes"
    kept = machine_arguments(
        {**asked, "neat_packing": True, "disable_gradient_checkpointing": False},
        gpu=False,
        precision="bfloat16",
    )
    assert kept == {"bf16": True, "use_cpu": True}
