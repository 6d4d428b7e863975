#!/usr/bin/env python3
"""Submit one job to Kubernetes, as job.yaml beside this file describes it."""

from pathlib import Path

from xuxie.runtime.submission import filled, hand_over, run


def submit(script: Path) -> None:
    job = filled(Path(__file__).with_name("job.yaml"), script)
    hand_over(job, ["kubectl", "create", "-o", "name", "-f", "-"])


run(submit)
