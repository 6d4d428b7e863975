"""A small made-up run for the tests of the report: two systems, hostile texts, every highlight."""

from workspace import schema
from xuxie.report.inputs import Adapter, Novel

LANGUAGES = schema()["properties"]["report"]["properties"]["language"]["enum"]

HOSTILE = "<script>document.title='owned'</script></textarea><img src=x onerror=\"document.title='owned'\">"
LOOP = "她回头看了一眼。" * 6


def measured(value, low=None, high=None):
    """A figure with its interval, as the evaluation writes it."""
    return {"value": value, "low": low, "high": high, "chapters": 6}


def output(text, stop="natural", foreign_stop=None):
    """An entry of `outputs` in samples.jsonl."""
    return {
        "text": text, "stop": stop, "tokens": 5, "prompt_tokens": 9, "seconds": 1.25, "turns": [len(text)], "forgotten": 0, "foreign_stop": foreign_stop,
    }  # fmt: skip


def row(copied=(), onset=None, names=()):
    """An entry of `rows` in evaluation.json."""
    return {
        "copied": list(copied),
        "longest_copy": 0,
        "onset": onset,
        "new_names": list(names),
        "invented_names": list(names),
    }


def sample(number, base, tuned, length="short"):
    """A row of samples.jsonl."""
    return {
        "id": f"n-c{number:04d}-1", "novel": "雾港", "chapter": number, "length": length,
        "prompt": {"instruction": "续写：", "input": f"第{number}段上文。", "system": "", "history": []},
        "reference": f"真实下文{number}。", "outputs": {"base": base, "tuned": tuned},
    }  # fmt: skip


SAMPLES = [
    sample(1, output("雾来了。" + LOOP, "length", 30), output("阿澈说：“走吧。”")),
    sample(2, output(HOSTILE), output("潮水退去" * 10, "length"), length="long"),
    sample(3, output(""), output("灯亮了，王建国推门进来。")),
    sample(3, output("她没有回头。"), output("她笑了。")) | {"id": "n-c0003-2"},
]

METRICS = {
    "characters": measured(100, 90, 110), "natural_stop": measured(0.5, 0.25, 0.75), "foreign_stop": measured(0.0, 0.0, 0.0),
    "seq_rep_4": measured(0.015, 0.01, 0.02), "distinct_2": measured(0.9), "longest_repeat": measured(4), "copied_30": measured(0.02),
    "longest_copy": measured(12), "new_names": measured(1.5), "invented_names": measured(1.0), "style_delta": measured(0.8),
}  # fmt: skip


def certificate(meant_for, value, fit):
    """A metric's entry in the exam of evaluation.json."""
    auc = {meant_for: {**measured(value, value - 0.05, min(1, value + 0.05)), "passages": 24}}
    return {"meant_for": [meant_for], "auc": auc, "worst": meant_for, "fit": fit}


def exam(**changes):
    """The exam of evaluation.json: style alone has failed, invented names could not be tried."""
    certificates = {
        "bits": certificate("out_of_place", 0.94, True),
        "seq_rep_4": certificate("looping", 0.99, True),
        "copied_30": certificate("recited", 0.97, True),
        "invented_names": {"meant_for": ["names_invented"], "auc": {}, "worst": None, "fit": None},
        "style_delta": certificate("foreign", 0.61, False),
    }
    return {
        "passages": 24, "chapters": 6, "characters": 6720, "bound": 0.9,
        "corruptions": {"looping": 24, "recited": 24, "names_invented": 0, "foreign": 24},
        "metrics": certificates | changes,
    }  # fmt: skip


def curve(*values, state="holds", breaks_at=None):
    """A metric by quarter, as `quarters.followed` gives it."""
    quarters = [
        {"start": 750 * n, "end": 750 * n + 750, **measured(value, value * 0.9, value * 1.1)}
        for n, value in enumerate(values)
    ]
    for quarter in quarters[1:]:
        broken = breaks_at is not None and quarter["start"] >= breaks_at
        sound = "holds" if state == "breaks" else state
        quarter |= {"change": measured(0.02, -0.01, 0.05), "state": "breaks" if broken else sound}
    holds_to = {"holds": 3000, "breaks": breaks_at}.get(state, 750)
    return {"quarters": quarters, "state": state, "holds_to": holds_to, "breaks_at": breaks_at}


def decay():
    """The continuations by quarter of an evaluation.json: the tuned model repeats itself from 1,500 characters on."""
    values = {"quarters": [quarter | {"change": None, "state": None} for quarter in curve(0.01, 0.01, 0.02, 0.01)["quarters"]]}  # fmt: skip
    return {
        "length": 3000,
        "quarters": [[0, 750], [750, 1500], [1500, 2250], [2250, 3000]],
        "systems": {
            "human": {"texts": 6, "chapters": 6, "metrics": {"seq_rep_4": values}},
            "base": {"texts": 0, "chapters": 0, "metrics": {}},
            "tuned": {
                "texts": 6, "chapters": 6,
                "metrics": {"seq_rep_4": curve(0.02, 0.02, 0.2, 0.4, state="breaks", breaks_at=1500), "detectability": curve(0.7, 0.7, 0.8, 0.8, state="unclear")},
            },
        },
    }  # fmt: skip


def evaluation():
    """An evaluation.json."""
    bits = {
        "base": measured(5.4, 5.2, 5.6),
        "tuned": measured(5.0, 4.8, 5.2),
        "difference": measured(-0.4, -0.5, -0.3),
        "relative": measured(-0.074, -0.09, -0.06),
    }
    gain = {
        "base": measured(0.33, 0.3, 0.36),
        "tuned": measured(0.3, 0.26, 0.34),
        "difference": measured(-0.03, -0.07, 0.01),
    }
    positions = [
        {"start": 0, "end": 100, "characters": 300, **bits, "change": measured(0, 0, 0), "fades": False},
        {"start": 100, "end": 300, "characters": 300, **bits, "difference": measured(-0.1), "change": measured(0.3, 0.1, 0.5), "fades": True},
    ]  # fmt: skip
    human = {key: value for key, value in METRICS.items() if not key.endswith("stop")}
    rows = {
        "n-c0001-1": {"human": row(), "base": row(onset=12), "tuned": row()},
        "n-c0002-1": {"human": row(), "base": row(), "tuned": row(copied=[(0, 40)])},
        "n-c0003-1": {
            "human": row(names=[(0, "真实")]),
            "base": row(),
            "tuned": row(names=[(4, "王建国")]),
        },
        "n-c0003-2": {"human": row(), "base": row(), "tuned": row()},
    }
    repetition = [
        {
            "start": 0,
            "end": 100,
            "seq_rep_4": {
                "human": measured(0.01),
                "base": measured(0.2),
                "tuned": measured(0.05, 0.03, 0.07),
            },
        }
    ]
    return {
        "template": "qwen", "rows": 3, "held_out_rows": 3, "chapters": 6, "verdict": "better", "enough_chapters": 4, "exam": exam(),
        "acquaintance": {"copied": measured(0.0, 0.0, 0.4), "longest": 9},
        "detectability": {"window": 200, "fewest": 12, "windows": 3, "author": 40, "chapters": 2, "auc": None, "difference": None},
        "bits_per_character": {
            "format": {"base": "bare", "tuned": "template"}, "formats": {}, "longest_context": 1500, "rows": 3, "characters": 1234, **bits, "detectable": 0.14,
            "ladder": [{"context": length, "rows": 2, **bits} for length in (0, 512, 1500)], "context_gain": {"rows": 2, **gain, "use": "unclear"},
            "by_position": positions,
            "by_quarter": {"length": 3000, "texts": 6, "chapters": 6, "base": curve(5.4, 5.3, 5.3, 5.2), "tuned": curve(5.0, 4.9, 5.0, 5.0)},
        },
        "texts": {"systems": {"human": human, "base": METRICS, "tuned": METRICS}, "by_position": repetition, "rows": rows},
        "decay": decay(),
        "decoding": {
            "base": {"temperature": 0.7, "repetition_penalty": 1.2, "penalty_exempt": ["stop"]},
            "tuned": {"temperature": 0.7, "repetition_penalty": 1.2, "penalty_exempt": ["stop"]},
        },
        "judge": None,
    }  # fmt: skip


def novel():
    """One novel's files."""
    chapters = [
        {"number": n, "title": f"第{n}章 {'雾' * n}", "start": n * 100 - 100, "end": n * 100}
        for n in (1, 2, 3)
    ]
    chapters[1]["title"] = f"第2章 {HOSTILE}"
    pairs = [{"score": score, "kept": score >= 5} for score in (1.0, 4.5, 5.0, 7.5, 9.9)] + [
        {"score": None, "kept": False}
    ]
    summary = {
        "asked": 8, "candidates": 6, "failed": {"off schema": 2}, "kept": 3, "dropped": {"score below 5": 2, HOSTILE: 1}, "threshold": 5,
        "calibration": {
            "likelihood": {"auc": 0.71, "true": 6, "swapped": 24, "criteria": {}},
            "judge": {"auc": 0.83, "true": 6, "swapped": 2, "criteria": {"follows": 0.92, "style": 0.58}},
        },
        "agreement": [{"scorers": ["likelihood", HOSTILE], "pairs": 5, "spearman": 0.62, "kendall": 0.53}],
        "verbatim": {"pairs": 6, "mean": 0.437, "wholly": 1},
    }  # fmt: skip
    tally = {"places": 2, "changed": 0, "removed": 12, "added": 0}
    text = {
        "sources": [{"name": f"{HOSTILE}.txt", "encoding": "gb18030", "characters": 312, "bad_bytes": {"places": 0, "bytes": 0, "first_at": []}}],
        "characters": {"decoded": 312, "added": 0, "removed": 12, "kept": 300}, "steps": {"watermarks": tally}, "repeated_lines": [],
    }  # fmt: skip
    return Novel(chapters, pairs, summary, text)


def ledger():
    """A ledger.json."""
    return {
        "dataset": "demo", "rows": {"train": 1, "val": 1, "test": 3}, "shared_shingles": 0,
        "novels": {"雾港": {"text": {}, "pairs": novel().summary, "rows": {}, "rows_dropped": {"too near a held-out chapter": 1},
            "coverage": {"share": 0.984, "characters": 130, "without": {"too near a held-out chapter": 2, HOSTILE: 1}}, "notes": [{"what": "short_chapters", "count": 2, "first": 3, "bound": 150}],
            "strip": [[0, 10, "outside the chapters"], [10, 138, "train"], [138, 140, "too near a held-out chapter"], [140, 300, "test"]],
        }},
    }  # fmt: skip


def adapter(**changes):
    """One adapter's files."""
    gate = {
        "name": "every row ends in a stop",
        "looked_at": 3,
        "findings": [],
        "note": HOSTILE,
        "passed": True,
    }
    parts = {
        "dataset": "demo", "model": "tiny", "samples": SAMPLES, "evaluation": evaluation(),
        "trainer_log": [{"current_steps": 1, "loss": 3.0}, {"current_steps": 2, "loss": 2.5}, {"current_steps": 2, "eval_loss": 2.8}],
        "gates": {"passed": True, "failing": "refuse", "gates": [gate]}, "manifest": {"seconds": 61.2, "command": [HOSTILE]},
    }  # fmt: skip
    return Adapter(**{**parts, **changes})


CONFIG = {
    "novels": {"雾港": {"path": "fog.txt"}},
    "report": {"language": "zh", "title": None},
    "note": HOSTILE,
}
