"""The one place where an Alpaca row becomes token ids, for training, sampling, scoring and evaluation.

Every id comes from LLaMA-Factory's own converter, template and processor, so that what is
measured and asked here is what its trainer feeds the model.
"""

import re
from copy import deepcopy
from functools import cached_property

from xuxie.errors import UserError
from xuxie.runtime.llamafactory import import_factory

BARE = "bare"
"""Template of ours for evaluation: the row's input continued plainly, with no instruction, system or history."""

UNCUT = 2**31 - 1

IGNORED = -100
"""The label of a token that bears no loss."""

_MARKER = re.compile(r"<[^<>\s]+>|\[/?[A-Z_]+\]")


ROW_SHAPING = (
    "default_system",
    "enable_thinking",
    "preserve_thinking",
    "mask_history",
    "train_on_prompt",
)
"""The arguments, beside the template, that decide which ids a row becomes."""


def shaping_arguments(arguments: dict) -> dict:
    """The part of the arguments that `Prompting` needs to word rows as the trainer will."""
    return {name: arguments[name] for name in ROW_SHAPING if name in arguments}


class Prompting:
    """How one model is talked to: a tokenizer and a template.

    Args:
        tokenizer: a Hugging Face tokenizer; it is copied, since a template may change its end-of-text token.
        template: a template name of LLaMA-Factory, or `bare`.
        data_arguments: LLaMA-Factory's arguments that shape a row (`default_system`, `enable_thinking`,
            `mask_history`, `train_on_prompt`, `cutoff_len`); nothing is cut without a `cutoff_len`.

    Raises:
        UserError: LLaMA-Factory has no such template.
    """

    def __init__(self, tokenizer, template: str, **data_arguments):
        self.template_name = template
        self.tokenizer = deepcopy(tokenizer)
        self._data_arguments = data_arguments
        if template != BARE:
            templates = import_factory("llamafactory.data.template")
            if template not in templates.TEMPLATES:
                raise UserError(
                    f"LLaMA-Factory has no template {template!r}",
                    where="the model's `template`",
                    remedy=f"one of: {', '.join(sorted(templates.TEMPLATES))}, or {BARE}",
                )
            # The registry hands out shared objects, and the arguments change them.
            own = templates.TEMPLATES[template]
            templates.TEMPLATES[template] = deepcopy(own)
            try:
                self._template = templates.get_template_and_fix_tokenizer(
                    self.tokenizer, self._arguments
                )
            finally:
                templates.TEMPLATES[template] = own

    def prompt_ids(self, row: dict, *, system: str | None = None) -> list[int]:
        """Token ids that ask for the row's output.

        Args:
            row: an Alpaca row; `output` is not looked at.
            system: a system prompt in place of the row's own; None keeps the row's, and an empty
                one gives the template's default.
        """
        if self.template_name == BARE:
            return self.tokenizer.encode(row["input"])
        converted = self._convert(row)
        answer = [{"role": "assistant", "content": ""}]
        ids, _ = self._template.encode_oneturn(
            self.tokenizer,
            converted["_prompt"] + answer,
            converted["_system"] if system is None else system,
        )
        return ids

    def training_ids(self, row: dict) -> tuple[list[int], list[int]]:
        """Token ids of the row and its labels (`IGNORED` where there is no loss), as the trainer makes them."""
        if self.template_name == BARE:
            prompt = self.prompt_ids(row)
            completion = self.tokenizer.encode(row["output"], add_special_tokens=False) + [
                self.tokenizer.eos_token_id
            ]
            return prompt + completion, [IGNORED] * len(prompt) + completion
        converted = self._convert(row)
        return self._processor._encode_data_example(
            prompt=converted["_prompt"], response=converted["_response"], system=converted["_system"],
            tools="", images=[], videos=[], audios=[],
        )  # fmt: skip

    def split_ids(self, row: dict) -> tuple[list[int], list[int]]:
        """The row as it is trained, parted before what carries loss at its end: (prompt, last answer with what ends it).

        Where prompts carry loss as well (`train_on_prompt`), the prompt is empty.
        """
        ids, labels = self.training_ids(row)
        start = (
            max((index for index, label in enumerate(labels) if label == IGNORED), default=-1) + 1
        )
        return ids[:start], ids[start:]

    @cached_property
    def markers(self) -> list[str]:
        """The template's own tokens, such as `<|im_start|>`, in the order of their names."""
        if self.template_name == BARE:
            return []
        template = self._template
        formatters = (
            template.format_prefix,
            template.format_system,
            template.format_user,
            template.format_assistant,
        )
        slots = [
            slot for formatter in formatters for slot in formatter.slots if isinstance(slot, str)
        ]
        return sorted(
            {marker for slot in slots for marker in _MARKER.findall(slot)}
            | set(template.stop_words)
        )

    @property
    def template(self):
        """LLaMA-Factory's template object; there is none for `bare`."""
        return self._template

    @cached_property
    def stop_ids(self) -> set[int]:
        """The tokens on which LLaMA-Factory's inference stops for this template."""
        if self.template_name == BARE:
            return {self.tokenizer.eos_token_id}
        return set(self._template.get_stop_token_ids(self.tokenizer))

    def _convert(self, row: dict) -> dict:
        return self._converter({"history": [], "system": "", **row})

    @cached_property
    def _arguments(self):
        hparams = import_factory("llamafactory.hparams.data_args")
        return hparams.DataArguments(
            template=self.template_name, **{"cutoff_len": UNCUT, **self._data_arguments}
        )

    @cached_property
    def _converter(self):
        parser = import_factory("llamafactory.data.parser")
        columns = parser.DatasetAttr(
            "file",
            "rows",
            prompt="instruction",
            query="input",
            response="output",
            system="system",
            history="history",
        )
        return import_factory("llamafactory.data.converter").AlpacaDatasetConverter(
            columns, self._arguments
        )

    @cached_property
    def _processor(self):
        supervised = import_factory("llamafactory.data.processor.supervised")
        return supervised.SupervisedDatasetProcessor(
            self._template, self.tokenizer, None, self._arguments
        )
