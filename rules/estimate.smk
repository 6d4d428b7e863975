# What a run will take and teach, printed before anything is spent. Neither asks an endpoint nor fetches a model.
#
# Needs  text, chapters and, where an LLM is to be asked, chunks of each novel


localrules:
    estimate,
    estimate_training,


rule estimate:
    """Print what both roles will take (calls, tokens and, where prices are configured, money) and all that estimate_training does."""
    input:
        texts=expand("results/novels/{novel}/text.txt", novel=settings.novels),
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=settings.novels),
        chunks=expand("results/novels/{novel}/chunks.jsonl", novel=settings.asked_novels),
        tokenizer=settings.pairs.tokenizer if settings.pairs else [],
    log:
        "logs/estimate.log",
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        templates=[novel.generator_templates for novel in settings.novels.values()],
        rubrics=[novel.judge_templates for novel in settings.novels.values()],
        roles=settings.roles_as_estimated,
        training=settings.training_as_estimated,
    script:
        "../scripts/estimate.py"


rule estimate_training:
    """Print for every adapter how much of the book it will learn from, the minutes of training, sampling and evaluation, and the memory."""
    input:
        texts=expand("results/novels/{novel}/text.txt", novel=settings.novels),
        chapters=expand("results/novels/{novel}/chapters.jsonl", novel=settings.novels),
        chunks=expand("results/novels/{novel}/chunks.jsonl", novel=settings.asked_novels),
        tokenizer=settings.pairs.tokenizer if settings.pairs else [],
    log:
        "logs/estimate_training.log",
    conda:
        "../envs/train.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_rows,
        runtime=minutes_for_rows,
    params:
        training=settings.training_as_estimated,
    script:
        "../scripts/estimate_training.py"
