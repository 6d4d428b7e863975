#!/bin/sh
exec kubectl delete --wait=false --ignore-not-found "$@"
