"""Rule evaluate_adapter: what the adapter is worth, base against tuned."""

from xuxie.evaluation.adapter import evaluate_adapter
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job

if __name__ == "__main__":
    run_job(in_environment(evaluate_adapter), snakemake)
