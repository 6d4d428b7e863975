"""Sampling parameters. The configuration knows them too, so nothing here imports torch."""

from dataclasses import dataclass

STOP, PUNCTUATION = "stop", "punctuation"


@dataclass(frozen=True)
class SamplingParameters:
    """How the next token is drawn.

    Attributes:
        temperature: divides the logits; 0 takes the likeliest token.
        top_p: keep the likeliest tokens that together reach this probability; 1 keeps all.
        top_k: keep so many of the likeliest tokens; 0 keeps all.
        min_p: keep the tokens that are at least this share as likely as the likeliest (arXiv
            2407.01082); 0 keeps all.
        repetition_penalty: logits of tokens already there are divided (if positive) or multiplied (if
            negative) by it (CTRL, arXiv 1909.05858); 1 does nothing.
        penalty_window: so many of the last tokens count as already there; 0 counts all, prompt included.
        penalty_exempt: tokens that no penalty touches: `stop` and `punctuation`.
        dry_multiplier: strength of DRY ("don't repeat yourself", text-generation-webui #5677), which
            lowers the logit of a token that would make a repeated run longer: by multiplier x base ^
            (length of the run - allowed length), from the allowed length on; 0 does nothing.
        dry_base, dry_allowed_length: see there; the length is in tokens.
    """

    temperature: float = 1.0
    top_p: float = 0.95
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.1
    penalty_window: int = 256
    penalty_exempt: tuple[str, ...] = (STOP, PUNCTUATION)
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 4

    @classmethod
    def of(cls, sampling: dict) -> "SamplingParameters":
        """The parameters in `sampling` of the config."""
        chosen = {name: sampling[name] for name in cls.__dataclass_fields__}
        return cls(**chosen | {"penalty_exempt": tuple(sampling["penalty_exempt"])})
