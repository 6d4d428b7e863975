#!/bin/sh
for job; do
    aws batch terminate-job --job-id "$job" --reason "ended by Snakemake" &
done
wait
