"""What runs again once everything is made: nothing, unless what it was made from has changed."""

import shutil

from workspace import REPOSITORY, Workspace, copy_checkout, jobs


def test_a_second_run_does_nothing(walked):
    assert "Nothing to be done" in walked.snakemake().stdout


def test_touching_scripts_runs_nothing_again(walked, tmp_path):
    # Paths from the results to the workflow are relative: both copies lie to each other as the originals do.
    checkout = copy_checkout(tmp_path / REPOSITORY.relative_to("/"))
    folder = tmp_path / walked.folder.relative_to("/")
    shutil.copytree(walked.folder, folder, symlinks=True)
    copied = Workspace(folder, checkout.folder)
    scripts = list((checkout / "scripts").rglob("*.py"))
    assert len(scripts) > 30
    for script in scripts:
        script.touch()
    planned = copied.snakemake("-n", PYTHONPATH=str(checkout / "scripts")).stdout
    assert "Nothing to be done" in planned, planned


def test_a_wording_that_is_edited_in_place_is_asked_in_anew(walked, tmp_path):
    checkout = copy_checkout(tmp_path / REPOSITORY.relative_to("/"))
    folder = tmp_path / walked.folder.relative_to("/")
    shutil.copytree(walked.folder, folder, symlinks=True)
    copied = Workspace(folder, checkout.folder)
    wordings = list((checkout / "resources/prompts").rglob("system.txt"))
    assert wordings
    for wording in wordings:
        wording.write_text(wording.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    counts = jobs(copied.snakemake("-n", PYTHONPATH=str(checkout / "scripts")).stdout)
    assert {"generate_pairs", "score_by_judge", "gather_pairs"} <= counts.keys()
    assert "cut_chunks" not in counts


def test_a_changed_threshold_asks_nothing_again(walked_copy, small_config):
    walked_copy.configure({**small_config, "pairs": {**small_config["pairs"], "threshold": 6}})
    counts = jobs(walked_copy.plan().stdout)
    assert "gather_pairs" in counts
    assert not {"normalise_text", "generate_pairs", "score_by_judge"} & counts.keys()


def test_a_changed_number_of_attributed_passages_evaluates_no_adapter_again(
    walked_copy, small_config
):
    evaluation = {**small_config["evaluation"], "attributed": 7}
    walked_copy.configure({**small_config, "evaluation": evaluation})
    counts = jobs(walked_copy.plan().stdout)
    assert "write_report" in counts, "which shows the configuration"
    assert not {"sample_outputs", "evaluate_adapter"} & counts.keys()
