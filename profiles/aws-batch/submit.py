#!/usr/bin/env python3
"""Submit one job to AWS Batch, as job.json beside this file describes it."""

import json
from pathlib import Path

from xuxie.runtime.submission import filled, hand_over, run

COMMAND = "aws batch submit-job --query jobId --output text --cli-input-json file:///dev/stdin"


def submit(script: Path) -> None:
    job = json.loads(filled(Path(__file__).with_name("job.json"), script))
    asked = job["containerOverrides"]
    # AWS refuses to be asked for no GPU.
    asked["resourceRequirements"] = [
        need for need in asked["resourceRequirements"] if need["value"] != "0"
    ]
    hand_over(json.dumps(job), COMMAND.split())


run(submit)
