"""The API key lives in the environment only: nothing that a run writes holds it."""

from roles import KEY
from workspace import Workspace


def holders(workspace: Workspace, secret: str) -> list[str]:
    """The files in a workspace that hold a text, Snakemake's own records included."""
    files = [
        path for path in workspace.folder.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    assert any(".snakemake" in path.parts for path in files)
    return [str(path) for path in files if secret.encode() in path.read_bytes()]


def test_a_whole_run_leaves_no_trace_of_the_key(walked, endpoint):
    assert KEY in endpoint.keys  # it was used
    assert holders(walked, "LOOPBACK_API_KEY")  # the search finds what is there
    assert holders(walked, KEY) == []


def test_a_dry_run_after_the_key_was_renewed_prints_neither_and_runs_nothing(walked):
    done = walked.plan("--printshellcmds", LOOPBACK_API_KEY="sk-renewed-marker-77ab")
    assert "Nothing to be done" in done.stdout
    assert KEY not in done.stdout and "sk-renewed-marker-77ab" not in done.stdout


def test_a_refused_key_is_in_no_message_and_no_file(new_workspace):
    wrong = "sk-refused-marker-09c2"
    done = new_workspace.snakemake(
        "results/novels/small/pairs.jsonl", check=False, LOOPBACK_API_KEY=wrong
    )
    assert done.returncode != 0 and "refused the key" in done.stdout
    assert wrong not in done.stdout and holders(new_workspace, wrong) == []
