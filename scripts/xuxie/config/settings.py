"""The whole configuration, resolved, in one object that rules, scripts and the chat ask.

Names have become the entries that they point to, and what follows from several keys is answered here and by the entries alone:
the template that asks an adapter, the system prompt that it is told, the systems that it is compared with. Snakemake asks for
every job, so no answer may take longer with more novels.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from xuxie.config.adapter import Adapter
from xuxie.config.attribution import Attribution
from xuxie.config.dataset import Dataset
from xuxie.config.endpoint import Endpoint
from xuxie.config.export import Export
from xuxie.config.model import Model
from xuxie.config.novel import Novel
from xuxie.config.pairs import Pairs, Scorer
from xuxie.errors import UserError
from xuxie.pairs.templates import read_templates
from xuxie.sampling.outlines import OF_THE_PASSAGE
from xuxie.sampling.parameters import SamplingParameters
from xuxie.text.forms import form_of

#: What the store gets of each dataset and of each adapter.
DELIVERED_DATA = (
    "train.jsonl",
    "val.jsonl",
    "test.jsonl",
    "train_text.jsonl",
    "val_text.jsonl",
    "dataset_info.json",
    "ledger.json",
)
DELIVERED_LORA = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "train.yaml",
    "manifest.json",
    "gates.json",
    "samples.jsonl",
    "evaluation.json",
)

DECODING = tuple(SamplingParameters.__dataclass_fields__)
"""The keys of `sampling` that say how a token is drawn."""

ANSWERING = (*DECODING, "seed", "system", "max_new_tokens", "batch_size")
"""Those that say how one answer is asked for."""

TAKEN_HOME = (*DECODING, "max_new_tokens")
"""Those that an export tells others of."""

MERGED = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_new_tokens")
"""Those that a merged model's own `generation_config.json` has."""

MEASURING = ("rows", "contexts", "ladder_rows", "followed_chars", "judge")
"""The keys of `evaluation` that say how an adapter is evaluated, beside `exam.read`."""


@dataclass(frozen=True)
class Settings:
    """The whole configuration, resolved; entries by name, in the order of the configuration.

    Attributes:
        attributions: adapters that read each other's held-out passages, by the name of their model.
        chunk_size: the size of a chunk.
        chunk_tokenizer: config.json of the model whose tokens are its unit; nothing ([]) where characters are.
        pairs: how they are made; None if no LLM is asked.
        sampling, decoding, evaluation, blind: these sections as configured.
        samples_judge: the endpoint that compares samples; None if nobody does.
        paraphraser: the endpoint that writes passages again in plain words; None if nobody does.
        rivals: the systems beyond base and tuned that every adapter is compared with, by name.
        language, title: of the pages that are written for people.
        store: where finished files are copied to; None if nowhere.
    """

    novels: dict[str, Novel]
    models: dict[str, Model]
    endpoints: dict[str, Endpoint]
    scorers: dict[str, Scorer]
    datasets: dict[str, Dataset]
    adapters: dict[str, Adapter]
    attributions: dict[str, Attribution]
    chunk_size: int
    chunk_tokenizer: str | list
    pairs: Pairs | None
    sampling: dict
    decoding: dict
    evaluation: dict
    samples_judge: Endpoint | None
    paraphraser: Endpoint | None
    rivals: dict[str, Adapter | Endpoint]
    export: Export
    blind: dict
    language: str
    title: str
    store: str | None

    @property
    def asked_novels(self) -> list[str]:
        """The novels that an LLM is asked about: all or none."""
        return list(self.novels) if self.pairs else []

    @property
    def decodings(self) -> dict[str, dict]:
        """How samples are drawn, by variant; under the empty name as configured."""
        own = {name: self.sampling[name] for name in DECODING}
        return {"": own} | {name: own | more for name, more in self.sampling["variants"].items()}

    @property
    def shared_environment(self) -> str | None:
        """The environment that the base models of all adapters run in; None if they run in several."""
        names = {adapter.model.environment for adapter in self.adapters.values()}
        return names.pop() if len(names) == 1 else None

    @property
    def sampling_of_answers(self) -> dict:
        """What of `sampling` says how one answer is asked for; rules that get no more run again for no more."""
        return {name: self.sampling[name] for name in ANSWERING}

    @property
    def sampling_taken_home(self) -> dict:
        """What of it an export tells others of."""
        return {name: self.sampling[name] for name in TAKEN_HOME}

    @property
    def sampling_merged(self) -> dict:
        """What of it a merged model has for its own."""
        return {name: self.sampling[name] for name in MERGED}

    @property
    def evaluation_of_adapters(self) -> dict:
        """What of `evaluation` says how an adapter is evaluated."""
        own = {name: self.evaluation[name] for name in MEASURING}
        return {**own, "exam": {"read": self.evaluation["exam"]["read"]}}

    @property
    def asked_rivals(self) -> list[Endpoint]:
        """The rivals that are endpoints, which a sampling job asks."""
        return [rival for rival in self.rivals.values() if isinstance(rival, Endpoint)]

    @property
    def served_rivals(self) -> list[dict]:
        """`serve` of each rival for which a sampling job starts a server of the user's."""
        return [endpoint.serve for endpoint in self.asked_rivals if endpoint.serve]

    @property
    def outline_file(self) -> str | list:
        """The user's outlines for samples; nothing ([]) if there are none."""
        outlines = self.sampling["outlines"]
        return [] if outlines in (None, OF_THE_PASSAGE) else outlines

    def models_from(self, *sources: str) -> list[str]:
        """The names of the models from these sources."""
        return [model.name for model in self.models.values() if model.source in sources]

    def scorers_by(self, method: str) -> list[str]:
        """The names of the scorers of a method."""
        return [scorer.name for scorer in self.scorers.values() if scorer.method == method]

    @property
    def roles_as_estimated(self) -> dict | None:
        """What must be known to foresee what the two LLM roles take; None if no LLM is asked."""
        if self.pairs is None:
            return None
        return {
            "generator": self.pairs.generator.name,
            "judges": {name: judge.entry for name, judge in self.pairs.judges.items()},
        }

    @property
    def training_as_estimated(self) -> dict:
        """What must be known to foresee what all adapters learn and take."""
        return {
            "novels": list(self.novels),
            "asking": self.pairs.asking if self.pairs else None,
            "datasets": {
                name: {"entry": dataset.entry, "generator": dataset.generator}
                for name, dataset in self.datasets.items()
            },
            "adapters": {name: adapter.as_estimated for name, adapter in self.adapters.items()},
            "sampling": self.sampling,
            "evaluation": self.evaluation,
        }

    @property
    def delivered(self) -> list[str]:
        """The finished files under results/ that the store gets; none if there is no store."""
        if not self.store:
            return []
        datasets = [f"datasets/{name}/{file}" for name in self.datasets for file in DELIVERED_DATA]
        adapters = [f"adapters/{name}/{file}" for name in self.adapters for file in DELIVERED_LORA]
        return ["report.html", *datasets, *adapters]

    def check_templates(self) -> None:
        """Every prompt template of the LLM roles can be asked with, said before anything is planned.

        Raises:
            UserError: one is missing, or does not name what it must (see `read_template`).
        """
        sketched = (dataset for dataset in self.datasets.values() if dataset.is_sketched)
        # Novels of a language share them.
        roles = {tuple(dataset.sketch_templates) for dataset in sketched}
        if self.pairs:
            roles |= {tuple(novel.generator_templates) for novel in self.novels.values()}
            if self.pairs.judges:
                roles |= {tuple(novel.judge_templates) for novel in self.novels.values()}
        for files in sorted(roles):
            read_templates(files)

    def check_sources(self) -> None:
        """Every novel's files are there and of a kind that is read, said before anything is planned.

        Whether they hold a novel is said by the first rule.

        Raises:
            UserError: a file is missing or empty, a folder has none, or a file is of another kind.
        """
        for novel in self.novels.values():
            for file in novel.files:
                key = f"config key novels.{novel.name}.path"
                if not os.path.exists(file):
                    raise UserError(
                        f"no file is found at {file}", where=key, remedy="check the path"
                    )
                if os.path.isdir(file):
                    raise UserError(
                        f"no file is found in the folder {file}"
                        if file == novel.path
                        else f"{file} is a folder among the novel's files",
                        where=key,
                        remedy="name the folder that holds the chapters' files, or a pattern such as folder/*.txt",
                    )
                form_of(Path(file))
                if not os.path.getsize(file):
                    raise UserError(
                        f"the file {file} is empty",
                        where=key,
                        remedy="give a file with the novel's text in it",
                    )
        outlines = self.outline_file
        if isinstance(outlines, str) and not os.path.exists(outlines):
            raise UserError(
                f"no file is found at {outlines}",
                where="config key sampling.outlines",
                remedy=f"check the path, or take {OF_THE_PASSAGE}",
            )
