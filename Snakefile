# xuxie (续写): from a raw novel to a LoRA that continues it in its own voice.
#
# What the acts share, the settings and the memory and time of jobs, stands in common and sizing. The story, act by act:
#   novel      text, chapters and chunks of each novel
#   model      the base model's files
#   pairs      an LLM proposes (prompt, completion) spans, a scorer judges them
#   sketches   an LLM says in a sentence what happens in passages, where a dataset wants it
#   dataset    chapters become rows from end to end, cut by kept pairs and by structure, split by chapter
#   train      gates, then LLaMA-Factory trains a LoRA adapter
#   sample     base and tuned continue the same held-out prompts
#   evaluate   what the adapter is worth, in numbers
#   report     the page a person opens first
#   estimate   what all this will take, on demand and before anything is spent: `snakemake estimate`
#   blind      a page for readers who do not know who wrote what, on demand: `snakemake blind`
#   export     what is taken home, on demand: `snakemake export`
#   store      copies in object storage, where the config names one

from snakemake.utils import min_version

min_version("9.0")


configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/sizing.smk"
include: "rules/novel.smk"
include: "rules/model.smk"


# A dataset needs no LLM: pairs.generator: null leaves these acts out.
if settings.pairs:

    include: "rules/pairs.smk"
    include: "rules/sketches.smk"


include: "rules/dataset.smk"
include: "rules/train.smk"
include: "rules/sample.smk"
include: "rules/evaluate.smk"
include: "rules/report.smk"
include: "rules/estimate.smk"
include: "rules/blind.smk"
include: "rules/export.smk"
include: "rules/store.smk"


rule all:
    """Everything: every dataset, every adapter with its samples and figures, and the report."""
    default_target: True
    input:
        datasets=expand("results/datasets/{dataset}/ledger_check.json", dataset=settings.datasets),
        adapters=expand(
            "results/adapters/{adapter}/adapter_model.safetensors", adapter=settings.adapters
        ),
        report="results/report.html",
        stored=[storage(f"{settings.store}/{path}") for path in settings.delivered],
