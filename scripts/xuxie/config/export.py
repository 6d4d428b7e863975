"""What is taken home."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Export:
    """What is taken home of which adapters."""

    adapters: list[str]
    quantisations: list[str]
    lora_gguf: bool
    pre_tokenizer: str | None
    verified_prompts: int
    rights: str | None
    show_samples: bool

    @property
    def ggufs(self) -> list[str]:
        """The merged model in each quantisation, and the adapter."""
        merged = [f"model.{quantisation}.gguf" for quantisation in self.quantisations]
        return [*merged, "adapter.gguf"] if self.lora_gguf else merged

    @property
    def verified(self) -> list[str]:
        """The quantisations that are compared with the folder that they were made from."""
        return self.quantisations if self.verified_prompts else []
