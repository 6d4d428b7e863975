#!/bin/sh
# Say of a submitted job: running, success or failed. While the API server does not answer, a job counts as running.
state=$(kubectl get "$1" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}' 2>&1)
case "$state" in
    *Complete*) echo success ;;
    *Failed* | *NotFound*) echo failed ;;
    *) echo running ;;
esac
