# What jobs need: megabytes of memory, minutes of time, and, of those submitted, a step of their own or not.
#
# Memory and time grow with what a job reads and with its attempt. Slurm and others are told; a plain local run minds neither.

import glob
import math
import os

from xuxie.sampling.amount import most_tokens

# A job that was submitted has a Snakemake of its own, which would start another one for its step, as Slurm's steps want it. What
# computes for long has that; for these it would double the work.
if workflow.remote_exec:

    localrules:
        normalise_text,
        find_chapters,
        cut_chunks,
        generate_pairs,
        score_by_judge,
        gather_pairs,
        list_passages,
        build_dataset,
        check_ledger,
        fit_rows,
        write_report,


def files_mb(files):
    """The size of those of these files that are there."""
    return sum(os.path.getsize(file) for file in files if os.path.isfile(file)) / 1e6


def memory_for_text(wildcards, input, attempt):
    """Measured: 65 MB for a novel of 2.5 MB, 110 MB for one of 20 MB."""
    return math.ceil((500 + 30 * files_mb(input)) * attempt)


def minutes_for_text(wildcards, input, attempt):
    """Measured: 4 s for 20 MB."""
    return math.ceil((5 + files_mb(input)) * attempt)


def memory_for_rows(wildcards, input, attempt):
    """Rows of JSON are several times larger in memory than on disk; the tokenizer and LLaMA-Factory's modules take the base."""
    return math.ceil((2000 + 20 * files_mb(input)) * attempt)


def minutes_for_rows(wildcards, input, attempt):
    """Twenty minutes, and one for each megabyte that is read."""
    return math.ceil((20 + files_mb(input)) * attempt)


def minutes_for_shard(wildcards, attempt):
    """An embedded model of 0.5 B on two cores needs about 70 minutes for a million bytes of Chinese, all chunks asked about."""
    return math.ceil((30 + 200 * settings.novels[wildcards.novel].largest_shard / 1e6) * attempt)


def memory_to_ask(endpoint):
    """What `serve` of an endpoint says, or the weights of an embedded one and their cache; little for one elsewhere.

    `endpoint` gives it for the wildcards of a job.
    """

    def megabytes(wildcards, input, attempt):
        if serve := endpoint(wildcards).serve:
            return serve["memory_mb"] * attempt
        weights = files_mb(file for file in input if file.endswith(".gguf"))
        return math.ceil((1000 + 2 * weights) * attempt)

    return megabytes


def minutes_to_ask(endpoint, otherwise):
    """What `serve` of an endpoint says, or what `otherwise` does.

    Where answers come by batch, each attempt may wait for one more; a job that ran out of time goes on with the one that it left.
    """

    def minutes(wildcards, attempt):
        asked = endpoint(wildcards)
        if asked.serve:
            return asked.serve["runtime"] * attempt
        return otherwise(wildcards, attempt) + asked.minutes_of_batch * attempt

    return minutes


def minutes_for_answers(wildcards, attempt):
    """Four hours, however much is asked: how many questions there will be is not known when jobs are planned."""
    return 240 * attempt


def memory_to_convert(wildcards, input, attempt):
    """Weights of four bits become sixteen, and both are held for a while."""
    return math.ceil((2000 + 9 * files_mb(input)) * attempt)


def memory_for_model(wildcards, input, attempt):
    """Three times the weights, which lie beside the model's config.json, and room for the libraries."""
    weights = glob.glob(os.path.join(glob.escape(os.path.dirname(input.model[0])), "*.safetensors"))
    return math.ceil((2500 + 3 * files_mb(weights)) * attempt)


def memory_to_sample(wildcards, input, attempt):
    """A model and, after it, the largest of the servers that are started to be compared with it."""
    served = max((serve["memory_mb"] for serve in settings.served_rivals), default=0)
    return memory_for_model(wildcards, input, attempt) + served * attempt


def minutes_to_write(tokens, attempt):
    """At 20 tokens a second, as a batch of a 0.5 B model on two cores, a day at most."""
    return min(1440, math.ceil((30 + tokens / 20 / 60) * attempt))


def minutes_to_sample(wildcards, attempt):
    """To write the samples, and what rivals' servers ask for."""
    sampling = settings.sampling
    tokens = most_tokens(sampling, systems=len(sampling["systems"]), prompts=sampling["prompts"])
    served = sum(serve["runtime"] for serve in settings.served_rivals)
    return minutes_to_write(tokens, attempt) + served * attempt


def minutes_to_compare_decodings(wildcards, attempt):
    """To write after every watched prompt in every way."""
    ways = 1 + len(settings.decoding["grid"])
    tokens = settings.decoding["prompts"] * ways * settings.sampling["max_new_tokens"]
    return minutes_to_write(tokens, attempt)
