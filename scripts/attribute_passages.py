"""Rule attribute_passages: whose adapter finds a held-out passage least surprising."""

from xuxie.evaluation.attribution import attribute_passages
from xuxie.runtime.environments import in_environment
from xuxie.runtime.job import run_job

if __name__ == "__main__":
    run_job(in_environment(attribute_passages), snakemake)
