"""The systems that are compared: the base, the adapter, and the rivals that `sampling.systems` names."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from xuxie.files.hashing import sha256_of
from xuxie.llm import open_endpoint
from xuxie.llm.journal import Journal
from xuxie.llm.serving import path_of_model
from xuxie.models.loading import best_dtype, load_model, quantisation
from xuxie.prompts.prompting import Prompting, shaping_arguments
from xuxie.sampling.authors import BASE, parted, varied
from xuxie.sampling.drafts import Exam, drafted, examine, take_best
from xuxie.sampling.local import sample_local
from xuxie.sampling.memory import Remember
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.remote import sample_remote


@dataclass(frozen=True)
class Trained:
    """An adapter on its base model.

    Attributes:
        model: folder; beside it lies the model's record, `model.json`, with the hashes of all its files.
        adapter: folder, with `train.yaml` in it.
        template: the template that it is asked with.
        trust_remote_code: whether the model's own code may run.
    """

    model: Path
    adapter: Path
    template: str
    trust_remote_code: bool = False

    def load(self, *, large_products: bool = False):
        """(model with the adapter on, tokenizer), the weights in the form in which they were trained.

        Args:
            large_products: for reading long texts rather than for decoding (see `best_dtype`).
        """
        return load_model(
            self.model,
            self.adapter,
            dtype=best_dtype(large_products=large_products),
            quantised=quantisation(self.arguments),
            trust_remote_code=self.trust_remote_code,
        )

    def prompting(self, tokenizer) -> Prompting:
        """How it is asked: in its template, with whatever else shaped the rows that it was trained on."""
        return Prompting(tokenizer, self.template, **shaping_arguments(self.arguments))

    def identities(self) -> tuple[str, str]:
        """What tells the base's weights and the adapter's from all others, in the form in which they are loaded."""
        base = sha256_of(self.model.parent / "model.json")
        if form := quantisation(self.arguments):
            base += f" {form}"
        return base, f"{base}+{sha256_of(self.adapter / 'adapter_model.safetensors')}"

    @property
    def arguments(self) -> dict:
        """LLaMA-Factory's arguments that it was trained with."""
        return yaml.safe_load((self.adapter / "train.yaml").read_text(encoding="utf-8"))


def sample_trained(
    rows: Sequence[dict],
    trained: Trained,
    names: Sequence[str],
    sampling: dict,
    journal_folder: Path,
    history_turns: int,
    exam: Exam | None = None,
    remembering: dict[str, Remember] | None = None,
) -> dict[str, dict[str, dict]]:
    """Outputs of an adapter and its base by system and row id, from one loaded model with the adapter on and off; each variant is a system.

    Args:
        names: systems to sample: `base`, and any other name for the adapter.
        sampling: `sampling` of the config.
        history_turns: the most earlier turns that a question has, as in the adapter's training data.
        exam: what the ranking of drafts is tried on; None where there is one draft each.
        remembering: by novel how its questions are told of what the window has lost.
    """
    model, tokenizer = trained.load()
    prompting = trained.prompting(tokenizer)
    base, tuned = trained.identities()
    settings = {
        **_asked(sampling),
        "batch_size": sampling["batch_size"],
        "history_turns": history_turns,
        "remembering": remembering,
        # A further turn remembers no more of the story than a row could hold.
        "window": trained.arguments["cutoff_len"] if sampling["target_chars"] else None,
    }
    outputs = {}
    variants = {"": {}, **sampling["variants"]}
    count, told = sampling["drafts"] if exam else 1, sampling["system"]
    with Journal(journal_folder) as journal:
        for name in names:
            own = name == BASE
            with model.disable_adapter() if own else nullcontext():
                certificate = examine(model, prompting, exam, rows[0], told) if exam else None
                for variant, values in variants.items():
                    called = varied(name, variant)
                    found = sample_local(
                        model,
                        prompting,
                        drafted(rows, count),
                        name=called,
                        identity=base if own else tuned,
                        journal=journal,
                        parameters=SamplingParameters.of(sampling | values),
                        **settings,
                    )
                    outputs[called] = (
                        take_best(
                            model,
                            prompting,
                            rows,
                            found,
                            count=count,
                            certificate=certificate,
                            system=told,
                        )
                        if certificate
                        else found
                    )
    return outputs


def sample_ways(
    rows: Sequence[dict],
    trained: Trained,
    sampling: dict,
    ways: Sequence[dict],
    journal_folder: Path,
    history_turns: int,
) -> tuple[Any, Prompting, list[list[str]]]:
    """The adapter's texts after each row's prompt, drawn in several ways, one answer each; with the model and how it is asked.

    Args:
        ways: what differs from `sampling`, way by way.
    """
    model, tokenizer = trained.load()
    prompting, (_, tuned) = trained.prompting(tokenizer), trained.identities()
    texts = []
    with Journal(journal_folder) as journal:
        for number, values in enumerate(ways, 1):
            outputs = sample_local(
                model,
                prompting,
                rows,
                name=f"way {number} of {len(ways)}",
                identity=tuned,
                journal=journal,
                parameters=SamplingParameters.of(sampling | values),
                **_asked(sampling | {"target_chars": 0}),
                batch_size=sampling["batch_size"],
                history_turns=history_turns,
            )
            texts.append([outputs[row["id"]]["text"] for row in rows])
    return model, prompting, texts


def sample_rival(
    rows: Sequence[dict],
    name: str,
    rival: dict,
    sampling: dict,
    journal_folder: Path,
    remembering: dict[str, Remember],
    *,
    endpoints: dict,
    llm: dict,
    threads: int,
    exam: Exam | None = None,
) -> dict[str, dict[str, dict]]:
    """Outputs of a system beyond base and tuned, by its name and its variants' and by row id: another adapter, or an endpoint.

    Args:
        rival: of another adapter `model` and `adapter` (folders), `template`, `history_turns`, `state` (whether its rows
            are told of the story, so that it is told too) and `trust_remote_code`; of an endpoint `endpoint` (its name) and `weights`
            (the files of the model, where it is served here).
        sampling, endpoints, llm: these sections of the config.
        exam: what the ranking of drafts is tried on; an endpoint writes one draft.
    """
    if "endpoint" in rival:
        weights = path_of_model(rival["weights"])
        endpoint = endpoints[rival["endpoint"]]
        asked = sample_endpoint(rows, name, endpoint, weights, sampling, llm, threads, remembering)
        return {name: asked}
    other = Trained(
        Path(rival["model"]), Path(rival["adapter"]), rival["template"], rival["trust_remote_code"]
    )
    if not rival["state"]:
        rows, remembering = [{**row, "state": ""} for row in rows], {}
    turns = rival["history_turns"]
    return sample_trained(rows, other, [name], sampling, journal_folder, turns, exam, remembering)


def side_by_side(
    rows: Sequence[dict],
    references: Sequence[str],
    outputs: dict[str, dict[str, dict]],
    systems: Sequence[str],
) -> Iterator[dict]:
    """Each prompt with the author's own continuation and the output of every system, in the order of `systems`, its variants after it."""
    names = [name for system in systems for name in outputs if parted(name)[0] == system]
    for row, reference in zip(rows, references, strict=True):
        yield {
            **{key: row[key] for key in ("id", "novel", "chapter", "length")},
            "prompt": {
                **{key: row[key] for key in ("instruction", "input", "system", "history")},
                "state": row.get("state", ""),
                "outlines": row.get("outlines", []),
            },
            "reference": reference,
            "outputs": {name: outputs[name][row["id"]] for name in names},
        }


def sample_endpoint(
    rows: Sequence[dict],
    name: str,
    endpoint: dict,
    weights: Path | None,
    sampling: dict,
    llm: dict,
    threads: int,
    remembering: dict[str, Remember],
) -> dict[str, dict]:
    """Outputs of an endpoint's model by row id.

    Args:
        endpoint: its entry in the config.
        weights: the file or folder of the model, where it is served here.
        llm: `llm` of the config: the journal of all paid answers, the budget, and whether anything may be asked.
    """
    given = {
        "journal": Path(llm["journal"]),
        "budget": llm["budget"],
        "remembering": remembering,
    }
    with open_endpoint(endpoint, weights, threads, llm["offline"]) as opened:
        asked = {**_asked(sampling), "parameters": SamplingParameters.of(sampling), **given}
        return sample_remote(opened, rows, name=name, **asked)


def _asked(sampling: dict) -> dict:
    return {key: sampling[key] for key in ("seed", "system", "max_new_tokens", "target_chars")}
