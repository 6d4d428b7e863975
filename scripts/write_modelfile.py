"""Write the Modelfile for Ollama."""

from pathlib import Path

import yaml
from transformers import AutoConfig
from xuxie.export.modelfile import modelfile, window
from xuxie.files.rows import read_json
from xuxie.models.loading import load_tokenizer
from xuxie.models.window import window_of
from xuxie.prompts.told import example_outline
from xuxie.runtime.job import run_job
from xuxie.sampling.systems import Trained


def write_modelfile(
    merged: str,
    trained_with: str,
    layout: str,
    ledger: str,
    modelfile_file: str,
    *,
    name: str,
    quantisations: list[str],
    template: str,
    trust_remote_code: bool,
    system: str | None,
    instruction: str,
    language: str,
    sampling: dict,
) -> None:
    """Write how Ollama asks the model, when it stops and how it samples.

    Args:
        merged: the merged folder's config.json.
        trained_with: the adapter's train.yaml.
        layout: the Jinja template of the Modelfile.
        ledger: of the dataset: whether its rows were told outlines.
        name: of the adapter, and of the model in Ollama.
        system, instruction: what the model is asked with.
        language: that it is told of the story in.
    """
    folder, arguments = (
        Path(merged).parent,
        yaml.safe_load(Path(trained_with).read_text(encoding="utf-8")),
    )
    tokenizer = load_tokenizer(folder, trust_remote_code=trust_remote_code)
    text = modelfile(
        Path(layout),
        Trained(folder, Path(trained_with).parent, template).prompting(tokenizer),
        name=name,
        quantisations=quantisations,
        system=system,
        instruction=instruction,
        sampling=sampling,
        context=window(
            arguments["cutoff_len"],
            sampling["max_new_tokens"],
            window_of(AutoConfig.from_pretrained(folder, trust_remote_code=trust_remote_code)),
        ),
        outline=example_outline(language) if read_json(ledger)["told"]["outline"]["train"] else "",
    )
    Path(modelfile_file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run_job(write_modelfile, snakemake)
