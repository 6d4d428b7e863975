"""Raw text, then rows, into one LoRA."""

import pytest
import torch
from join_stages import join_stages
from safetensors.torch import load_file
from training_run import TrainingRun, rows_of, texts_of
from workspace import jobs
from xuxie.files.rows import read_json, read_rows

SETTINGS = {"num_train_epochs": 1, "learning_rate": 0.001, "cutoff_len": 400}


@pytest.fixture(scope="module")
def trained(tiny_model, novel_text, tmp_path_factory):
    """Both stages of one adapter, joined."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("stages"))
        texts = texts_of(novel_text, 2500)[:6]
        pt = TrainingRun(tiny_model, texts, stage="pt", name="Small", train=SETTINGS).prepare()
        gates = pt.check()
        records = [pt.run()]
        # Of another seed, so that matrices drawn anew would be other ones.
        later = {**SETTINGS, "seed": 7}
        rows = rows_of(novel_text, 12)
        sft = TrainingRun(tiny_model, rows, before="pt", name="Small", train=later)
        sft.prepare().check()
        records.append(sft.run())
        folder = pt.folder.parent.parent
        join_stages(str(folder / "manifest.json"), folders=[str(pt.folder), str(sft.folder)])
        yield folder.resolve(), records, gates


def test_the_second_stage_goes_on_with_the_lora_of_the_first(trained):
    folder, (pt, sft), _ = trained
    first = load_file(folder / "stages/pt/adapter_model.safetensors")
    last = load_file(folder / "stages/sft/adapter_model.safetensors")
    assert first.keys() == last.keys()
    drawn = [name for name in first if "lora_A" in name]
    moved = [torch.dist(first[name], last[name]) / first[name].norm() for name in drawn]
    assert 0 < max(moved) < 0.5, "matrices drawn anew would lie at about the root of two"
    assert sft["arguments"]["adapter_name_or_path"] == "results/adapters/Small/stages/pt"
    assert "adapter_name_or_path" not in pt["arguments"]
    assert (
        sft["inputs"]["results/adapters/Small/stages/pt/adapter_model.safetensors"]
        == pt["adapter"]["adapter_model.safetensors"]
    )


def test_raw_text_is_trained_on_whole_and_watched_on_the_val_chapters(trained):
    folder, (pt, _), gates = trained
    ledger = read_json(folder / "stages/pt/data/ledger.json")
    assert pt["arguments"]["stage"] == "pt" and gates["passed"]
    assert pt["result"]["useful_tokens"] == ledger["files"]["train"]["tokens"]
    assert pt["result"]["losses"][-1] < pt["result"]["losses"][0]
    assert pt["result"]["val_losses"]
    # Beside the blocks that it was given it would have made its own.
    assert [made.name for made in folder.parent.iterdir()] == ["Small"]
    # LLaMA-Factory leaves it where it evaluates once more.
    assert not list(folder.glob("stages/*/eval_results.json"))


def test_the_adapter_is_what_its_last_stage_left_and_its_record_names_both(trained):
    folder, records, _ = trained
    last = folder / "stages/sft"
    for file in ("adapter_model.safetensors", "adapter_config.json", "train.yaml"):
        assert (folder / file).read_bytes() == (last / file).read_bytes()
    manifest = read_json(folder / "manifest.json")
    assert [stage["stage"] for stage in manifest["stages"]] == ["pt", "sft"]
    assert manifest["adapter"] == records[-1]["adapter"]
    assert [stage["rows"]["files"]["train"]["rows"] for stage in manifest["stages"]] == [
        len(list(read_rows(folder / f"stages/{stage}/data/train.jsonl"))) for stage in ("pt", "sft")
    ]
    steps = [e["current_steps"] for e in read_rows(folder / "trainer_log.jsonl") if "loss" in e]
    assert steps == list(range(1, sum(record["result"]["steps"] for record in records) + 1))
    assert read_json(folder / "gates.json")["passed"]
    assert (folder / "training_loss.png").stat().st_size > 5000


def test_the_workflow_goes_stage_by_stage_and_repeats_only_what_has_changed(
    new_workspace, small_config
):
    target = "results/adapters/small/adapter_model.safetensors"

    def configure(**of_rows) -> None:
        stages = [{"stage": "pt", "train": {"max_steps": 2}}, {"stage": "sft", "train": of_rows}]
        adapter = {**small_config["adapters"]["small"], "stages": stages}
        new_workspace.configure({**small_config, "adapters": {"small": adapter}})

    configure(max_steps=2)
    new_workspace.snakemake(target)
    manifest = read_json(new_workspace / "results/adapters/small/manifest.json")
    pt, sft = manifest["stages"]
    assert (pt["stage"], sft["stage"]) == ("pt", "sft")
    assert pt["rows"]["coverage"]["covered"] == pt["rows"]["coverage"]["characters"] > 0
    assert sft["arguments"]["adapter_name_or_path"] == "results/adapters/small/stages/pt"
    assert "Nothing to be done" in new_workspace.plan(target).stdout

    configure(max_steps=3)
    planned = new_workspace.plan(target).stdout
    assert jobs(planned)["train_adapter"] == jobs(planned)["join_stages"] == 1
    assert (
        "stages/sft/adapter_model" in planned
        and "output: results/adapters/small/stages/pt" not in planned
    )
