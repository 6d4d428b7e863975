"""The DAG: known in full before anything runs, from the config alone."""

from planning import plan_in
from workspace import jobs


def test_a_clean_checkout_knows_every_job_without_model_and_network(clean_checkout):
    counts = jobs(plan_in(clean_checkout.folder, "--cores", "all").stdout)
    assert counts == {
        "normalise_text": 1, "find_chapters": 1, "cut_chunks": 1,
        "fetch_model": 1, "convert_model": 1,
        "generate_pairs": 1, "score_by_likelihood": 1, "gather_pairs": 1,
        "build_dataset": 1, "check_ledger": 1,
        "render_training": 1, "fit_rows": 1, "check_gates": 1, "train_adapter": 1, "join_stages": 1,
        "sample_outputs": 1, "examine_metrics": 1, "evaluate_adapter": 1, "write_report": 1,
        "all": 1, "total": 20,
    }  # fmt: skip


def test_every_example_config_has_a_complete_dag(clean_checkout):
    examples = sorted((clean_checkout / "config/examples").glob("*.yaml"))
    assert examples
    for example in examples:
        # Each file says in its head how it is used: on top of the default config, or in its place.
        whole = (
            ["--replace-workflow-config"]
            if "--replace-workflow-config" in example.read_text(encoding="utf-8")
            else []
        )
        done = plan_in(
            clean_checkout.folder, "--cores", "all", "--configfile", str(example), *whole
        )
        assert jobs(done.stdout)["train_adapter"] >= 1
