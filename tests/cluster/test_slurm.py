"""The workflow on a real Slurm: the whole road, jobs that are killed on the way, and keys that stay where they belong."""

import contextlib
import json
import subprocess

import pytest
from fault_server import FaultServer
from patience import wait_for_exit, wait_until, written_in
from roles import answer
from trainers import held
from workspace import REPOSITORY, Workspace

pytestmark = pytest.mark.slurm

SOON = (
    "--slurm-init-seconds-before-status-checks",
    "2",
    "--latency-wait",
    "10",
    "--slurm-keep-successful-logs",
)


#: It looks at its jobs every two seconds.
ATTENTIVE = (str(REPOSITORY / "tests/cluster/attentive_snakemake.py"),)


def on_slurm(workspace: Workspace, *arguments: str, **settings) -> subprocess.CompletedProcess:
    return workspace.snakemake(*SOON, *arguments, profile="slurm", **settings)


@pytest.fixture(scope="module")
def walked_on_slurm(cluster, tmp_path_factory, small_config, novel_text):
    """A folder in which everything was made through Slurm; and what Slurm's accounting says of it, by rule."""
    folder = tmp_path_factory.mktemp("walked-on-slurm")
    workspace = Workspace.make(folder, small_config, novel_text, program=ATTENTIVE)
    on_slurm(workspace)
    fields = (
        "JobID", "JobName", "Comment", "Partition", "State", "AllocTRES", "Account", "SubmitLine",
    )  # fmt: skip

    def ended() -> list[dict]:
        jobs = cluster.jobs(*fields)
        return [] if {job["State"] for job in jobs} & {"PENDING", "RUNNING", "COMPLETING"} else jobs

    # Accounting is a little behind.
    jobs = wait_until(ended, "accounting of every job", lambda: None, patience=120)
    return workspace, {
        job["Comment"].removeprefix("rule_").split("_wildcards_")[0]: job for job in jobs
    }


def test_the_whole_road_is_walked_through_slurm(walked_on_slurm):
    workspace, jobs = walked_on_slurm
    assert (workspace / "results/report.html").exists()
    assert (workspace / "results/adapters/small/adapter_model.safetensors").exists()
    assert {
        "generate_pairs",
        "score_by_judge",
        "gather_pairs",
        "build_dataset",
        "train_adapter",
        "sample_outputs",
    } <= set(jobs)
    assert {job["State"] for job in jobs.values()} == {"COMPLETED"}
    assert {job["Account"] for job in jobs.values()} == {"writers"}


def test_what_asks_for_a_gpu_holds_one_in_the_gpu_partition(walked_on_slurm):
    _, jobs = walked_on_slurm
    with_gpu = {rule for rule, job in jobs.items() if "gres/gpu=1" in job["AllocTRES"]}
    assert with_gpu == {"train_adapter", "sample_outputs", "evaluate_adapter"}
    assert {rule: job["Partition"] for rule, job in jobs.items()} == {
        rule: "gpu" if rule in with_gpu else "cpu" for rule in jobs
    }


def test_the_steps_of_a_text_share_a_job(walked_on_slurm):
    _, jobs = walked_on_slurm
    assert "text_cut_chunks_find_chapters_normalise_text" in jobs
    assert not {"normalise_text", "find_chapters", "cut_chunks"} & set(jobs)


@pytest.mark.parametrize(
    "job",
    [
        "group_text_*",
        "rule_generate_pairs",
        "rule_score_by_judge",
        "rule_gather_pairs",
        "rule_build_dataset",
        "rule_fit_rows",
    ],
)
def test_what_is_short_runs_in_the_snakemake_of_its_job(job, walked_on_slurm):
    """To start another one takes longer than the work."""
    workspace, _ = walked_on_slurm
    logs = [*(workspace / ".snakemake/slurm_logs").glob(f"{job}/**/*.log")]
    assert logs
    for log in logs:
        said = log.read_text(encoding="utf-8")
        assert said.count("Building DAG of jobs") == 1, said


def test_what_is_small_or_needs_the_internet_stays_where_snakemake_runs(walked_on_slurm):
    workspace, jobs = walked_on_slurm
    assert (workspace / "results/adapters/small/train.yaml").exists()
    assert not {"render_training", "join_stages", "all"} & set(jobs)


def test_submitted_jobs_see_the_very_config_of_the_run(walked_on_slurm):
    """--replace-workflow-config holds in jobs too: the sample novel of the default config appears nowhere."""
    workspace, _ = walked_on_slurm
    assert "ban-jin-du" not in (workspace / "results/report.html").read_text(encoding="utf-8")


def test_no_key_leaves_the_environment(walked_on_slurm, cluster, endpoint):
    workspace, jobs = walked_on_slurm
    key = endpoint.key
    assert key in endpoint.keys, "nobody was asked"
    scripts = [
        cluster.command("sacct", "-j", job["JobID"], "--batch-script") for job in jobs.values()
    ]
    assert all("snakemake" in script for script in scripts)
    assert not [script for script in scripts if key in script]
    assert not [job for job in jobs.values() if key in json.dumps(job)]
    logs = [path for path in cluster.folder.glob("*.log")]
    written = [path for path in workspace.folder.rglob("*") if path.is_file()]
    assert any("slurm_logs" in path.parts for path in written)
    assert not [path for path in [*logs, *written] if key.encode() in path.read_bytes()]


def test_a_second_run_submits_nothing(walked_on_slurm):
    workspace, _ = walked_on_slurm
    assert "Nothing to be done" in on_slurm(workspace).stdout


@contextlib.contextmanager
def begun(workspace: Workspace, *arguments: str):
    run = workspace.begin(*SOON, *arguments, profile="slurm")
    try:
        yield run
    finally:
        run.terminate()
        try:
            run.wait(30)
        except subprocess.TimeoutExpired:
            run.kill()


def running(cluster, comment: str) -> str | None:
    """The id of the running job with this comment."""
    for line in cluster.command("squeue", "-h", "-t", "R", "-o", "%i %k").splitlines():
        job, _, said = line.partition(" ")
        if said.startswith(comment):
            return job
    return None


def until(found, what: str, run: subprocess.Popen, workspace: Workspace):
    """Wait for something while the run goes on, and give it back."""

    def found_or_ended():
        value = found()
        assert value or run.poll() is None, f"the run ended before {what}"
        return value

    return wait_until(found_or_ended, what, written_in(workspace.folder))


def ends_well(run: subprocess.Popen, workspace: Workspace) -> None:
    code = wait_for_exit(run, written_in(workspace.folder))
    assert code == 0, (workspace / "run.log").read_text()


def test_a_job_killed_while_it_asks_pays_for_nothing_twice(
    cluster, tmp_path, small_config, novel_text, endpoint
):
    concurrency = 2
    with FaultServer(answer=answer, key=endpoint.key, model="reader", latency=1.0) as slow:
        settings = {
            **small_config["endpoints"]["loopback"],
            "base_url": slow.base_url,
            "concurrency": concurrency,
        }
        config = {**small_config, "endpoints": {"loopback": settings}}
        workspace = Workspace.make(tmp_path / "work", config, novel_text, program=ATTENTIVE)
        with begun(workspace, "results/novels/small/shards/1-of-1/candidates.jsonl") as run:
            until(lambda: slow.answers.total() >= 5, "five answers", run, workspace)
            answered = set(slow.answers)
            cluster.command(
                "scancel",
                until(
                    lambda: running(cluster, "rule_generate_pairs"),
                    "the job is known",
                    run,
                    workspace,
                ),
            )
            ends_well(run, workspace)
    assert "CANCELLED" in (workspace / "run.log").read_text()
    assert set(slow.answers) > answered, "the job was done before it was killed"
    asked_twice = {question for question, count in slow.answers.items() if count > 1}
    # What was on the wire when the job was killed may be asked again; what was answered and journaled may not.
    assert len(asked_twice) <= concurrency
    rows = [
        json.loads(line)
        for line in (workspace / "results/novels/small/shards/1-of-1/candidates.jsonl")
        .read_text()
        .splitlines()
    ]
    assert rows and not [row for row in rows if "failed" in row]


def test_a_training_that_is_cut_short_goes_on_from_its_checkpoint(
    cluster, walked_on_slurm, tmp_path_factory, small_config
):
    """Once it is cancelled, and once it runs out of time."""
    before, _ = walked_on_slurm
    workspace = before.copy(tmp_path_factory.mktemp("cut-short"))
    train = {
        "num_train_epochs": 8,
        "learning_rate": 0.001,
        "save_strategy": "steps",
        "save_steps": 2,
        "eval_strategy": "no",
    }
    long = {**small_config["adapters"]["small"], "train": train}
    workspace.configure({**small_config, "adapters": {"long": long}})
    stage = workspace / "results/adapters/long/stages/sft"
    logs = workspace / ".snakemake/slurm_logs/rule_train_adapter/long_sft"
    step = 0

    def later_checkpoint() -> int | None:
        whole = [file.parent.name for file in stage.glob("checkpoint-*/trainer_state.json")]
        steps = [int(name.removeprefix("checkpoint-")) for name in whole]
        return max((found for found in steps if found > step), default=None)

    with begun(workspace, "results/adapters/long/adapter_model.safetensors") as run:
        for end in ("CANCELLED", "TIMEOUT"):
            step = until(later_checkpoint, "a checkpoint", run, workspace)
            with held(workspace.folder):
                job = until(
                    lambda: running(cluster, "rule_train_adapter"),
                    "the job is known",
                    run,
                    workspace,
                )
                if end == "CANCELLED":
                    cluster.command("scancel", job)
                else:
                    cluster.command("scontrol", "update", f"JobId={job}", "EndTime=now+1seconds")
                told = f"SLURM-job '{job}' failed, SLURM status is: '{end}'"
                until(
                    lambda: told in (workspace / "run.log").read_text(),
                    f"the job has ended: {end}",
                    run,
                    workspace,
                )
        ends_well(run, workspace)
    said = [log.read_text(encoding="utf-8") for log in logs.glob("*.log")]
    assert sum("going on from checkpoint-" in log for log in said) == 2
    resumed = json.loads((stage / "manifest.json").read_text())["resumed_from"]
    assert int(resumed.removeprefix("checkpoint-")) >= step
