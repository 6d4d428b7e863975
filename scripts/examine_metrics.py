"""Rule examine_metrics: what each metric of a text can tell, tried on the author's own passages."""

from xuxie.evaluation.examination import examine_metrics
from xuxie.runtime.job import run_job

if __name__ == "__main__":
    run_job(examine_metrics, snakemake)
