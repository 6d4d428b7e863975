# Copies of the finished files in object storage, where `store` names one.
#
# Needs  a finished file under results/
# Makes  its copy, at the same path under `store`


if settings.store:

    localrules:
        store_results,

    rule store_results:
        """Copy a finished file to the storage that `store` names; Snakemake's storage plugin sends it."""
        input:
            finished="results/{path}",
        output:
            stored=storage(f"{settings.store}/{{path}}"),
        log:
            "logs/store_results/{path}.log",
        benchmark:
            "benchmarks/results/store_results/{path}.tsv"
        wildcard_constraints:
            path="(report.html|datasets/.+|adapters/.+)",
        conda:
            "../envs/text.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime=30,
        script:
            "../scripts/store_results.py"
