# A novel's files become text, chapters and chunks.
#
# Needs  the files that `novels` names, and resources/watermarks.txt
# Makes  results/novels/{novel}/text.txt, source_map.jsonl, chapters.jsonl, chunks.jsonl, and the findings of each step


rule normalise_text:
    """Decode a novel's files and clean the text, counting what each step changes."""
    input:
        files=of("novel.files"),
        watermarks=packaged("resources/watermarks.txt"),
    output:
        text="results/novels/{novel}/text.txt",
        counts=report(
            "results/novels/{novel}/text.json",
            category="Novels",
            subcategory="{novel}",
            labels={"what": "cleaning"},
            caption="../resources/report/cleaning.rst",
        ),
        source_map="results/novels/{novel}/source_map.jsonl",
    log:
        "logs/normalise_text/{novel}.log",
    benchmark:
        "benchmarks/results/normalise_text/{novel}.tsv"
    priority: 100
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_text,
        runtime=minutes_for_text,
    params:
        encoding=of("novel.encoding"),
        on_bad_bytes=of("novel.on_bad_bytes"),
        language=of("novel.language"),
        more_watermarks=of("novel.watermarks"),
        steps=of("novel.normalise"),
    script:
        "../scripts/normalise_text.py"


rule find_chapters:
    """Find the chapters by their headings; report gaps, doubles and disorder, and leave out repeated chapters."""
    input:
        text="results/novels/{novel}/text.txt",
        counts="results/novels/{novel}/text.json",
    output:
        chapters="results/novels/{novel}/chapters.jsonl",
        findings=report(
            "results/novels/{novel}/chapters.json",
            category="Novels",
            subcategory="{novel}",
            labels={"what": "chapters"},
            caption="../resources/report/chapters.rst",
        ),
    log:
        "logs/find_chapters/{novel}.log",
    benchmark:
        "benchmarks/results/find_chapters/{novel}.tsv"
    priority: 100
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_text,
        runtime=minutes_for_text,
    params:
        pattern=of("novel.chapter_pattern"),
        scene_size=of("novel.scene_size"),
    script:
        "../scripts/find_chapters.py"


rule cut_chunks:
    """Cut each chapter into chunks of whole sentences, about equal in size."""
    input:
        text="results/novels/{novel}/text.txt",
        chapters="results/novels/{novel}/chapters.jsonl",
        tokenizer=settings.chunk_tokenizer,
    output:
        chunks="results/novels/{novel}/chunks.jsonl",
    log:
        "logs/cut_chunks/{novel}.log",
    benchmark:
        "benchmarks/results/cut_chunks/{novel}.tsv"
    priority: 100
    conda:
        "../envs/text.yaml"
    threads: 1
    resources:
        mem_mb=memory_for_text,
        runtime=minutes_for_text,
    params:
        novel="{novel}",
        size=settings.chunk_size,
    script:
        "../scripts/cut_chunks.py"
