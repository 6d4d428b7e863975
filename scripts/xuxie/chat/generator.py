"""A model that writes, piece by piece as it is shown."""

import unicodedata
from collections.abc import Callable

import torch
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, TextStreamer

from xuxie.models.window import window_of
from xuxie.prompts.prompting import Prompting
from xuxie.sampling.local import prompt_within, room_for_an_answer
from xuxie.sampling.parameters import SamplingParameters
from xuxie.sampling.sampler import Sampler
from xuxie.sampling.turns import Story


class Generator:
    """A loaded model and how it is asked.

    Args:
        model: how its makers would have it drawn with is taken from it.
        sampling: `sampling` of the config.
        window: how many tokens a further turn's prompt may have with the room for its answer, as in samples: a row holds no more.
    """

    def __init__(self, model, prompting: Prompting, sampling: dict, window: int):
        self._model, self._prompting, self._sampling = model, prompting, sampling
        # Whatever is not asked for, `generate` takes from the file that a model comes with: a second penalty, forbidden tokens.
        model.generation_config = GenerationConfig()
        self._sampler = Sampler(
            SamplingParameters.of(sampling), prompting.tokenizer, prompting.stop_ids
        )
        self._limit = window_of(model.config)
        self._window = min(window, self._limit)

    def generate(self, story: Story, seed: int, show: Callable[[str], None]) -> str:
        """Write the next passage.

        Args:
            story: up to here.
            seed: of this answer's chance.
            show: gets each piece of text as it comes.

        Returns:
            the passage; what there is of it, if the person interrupts (Ctrl-C).

        Raises:
            UserError: the last passage alone is longer than the model's window.
        """
        new_tokens = self._sampling["max_new_tokens"]
        if story.turns:
            new_tokens = room_for_an_answer(new_tokens, self._window)
        most = self._limit - new_tokens
        room = self._window - new_tokens if story.turns else most
        ids = torch.tensor(
            [prompt_within(story, self._prompting, self._sampling["system"], room, most)],
            device=self._model.device,
        )
        drawn = (
            {name: self._sampling[name] for name in ("temperature", "top_p", "top_k", "min_p")}
            if self._sampling["temperature"]
            else {}
        )
        streamer = _Pieces(self._prompting.tokenizer, show)
        torch.manual_seed(seed)
        try:
            self._model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                streamer=streamer,
                do_sample=bool(drawn),
                **drawn,
                logits_processor=LogitsProcessorList([_Penalties(self._sampler)]),
                max_new_tokens=new_tokens,
                eos_token_id=sorted(self._prompting.stop_ids),
                pad_token_id=self._prompting.tokenizer.pad_token_id,
            )
        except KeyboardInterrupt:
            pass
        return streamer.text


class _Penalties(LogitsProcessor):
    """The penalties with which the samples were drawn."""

    def __init__(self, sampler: Sampler):
        self._sampler = sampler

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        rows = zip(input_ids.tolist(), scores, strict=True)
        return torch.stack([self._sampler.penalised(row, ids) for ids, row in rows])


class _Pieces(TextStreamer):
    """Hands on what the model writes; control characters, which could drive the terminal, are left out."""

    def __init__(self, tokenizer, show: Callable[[str], None]):
        super().__init__(tokenizer, skip_prompt=True, skip_special_tokens=True)
        self.text = ""
        self._show = show

    def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
        piece = printable(text)
        self.text += piece
        self._show(piece)


def printable(text: str) -> str:
    """The text without control characters other than line breaks and tabs."""
    return "".join(
        character
        for character in text
        if character in "\n\t" or unicodedata.category(character)[0] != "C"
    )
