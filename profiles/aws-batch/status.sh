#!/bin/sh
# Say of a submitted job: running, success or failed. While AWS does not answer, a job counts as running.
case "$(aws batch describe-jobs --jobs "$1" --query 'jobs[0].status' --output text)" in
    SUCCEEDED) echo success ;;
    FAILED | None) echo failed ;;
    *) echo running ;;
esac
