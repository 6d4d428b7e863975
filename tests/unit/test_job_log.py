"""What of a job's log is shown while it runs."""

from snakemake_logger_plugin_xuxie.job_log import last_line, printable, progress


def test_the_last_line_that_tells_something_is_shown(tmp_path):
    log = tmp_path / "job.log"
    assert last_line(str(log)) == ""
    log.write_text(
        "raw noise\n12:00:00 INFO step 3 of 12, loss 4.1\n12:00:01 INFO [transformers] chatter\n"
        "12:00:02 INFO generate in use\nTraceback\n",
        encoding="utf-8",
    )
    assert last_line(str(log)) == "step 3 of 12, loss 4.1"
    log.write_text("x" * 100_000 + "\n12:00:00 INFO 字" + "\x1b[2J" + "\n", encoding="utf-8")
    assert last_line(str(log)) == "字\N{REPLACEMENT CHARACTER}[2J"


def test_progress_is_read_where_a_line_tells_it():
    assert progress("step 3 of 12, loss 4") == 0.25
    assert progress("generate 1-of-1: 16 of 16 done") == 1
    assert progress("85 chunks of at most 600 characters") is None
    assert progress("0 of 0 done") is None and progress("5 of 3") is None


def test_nothing_moves_the_cursor():
    assert (
        printable("a\x1b[31m\x07b\n\tc")
        == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b\n\tc"
    )
