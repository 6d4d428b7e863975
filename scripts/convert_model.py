"""Turn an embedded model's GGUF into a Hugging Face folder."""

from pathlib import Path

from xuxie.models.catalogue import check_file, embedded_model
from xuxie.models.dequantise import dequantise
from xuxie.models.record import write_record
from xuxie.runtime.job import run_job


def convert_model(
    gguf: str, config: str, record: str, name: str, template: str, **_weights_and_tokenizer: str
) -> None:
    """De-quantise the weights, rebuild and check the tokenizer, and record what the folder is.

    Args:
        gguf: the verified file.
        config: the folder's config.json; the other files go beside it.
        record: the record, model.json.
        name: the model's name in the catalogue.
        template: the LLaMA-Factory template that the model is addressed in.
    """
    model = embedded_model(name)
    check_file(model, gguf)
    folder = Path(config).parent
    dequantise(gguf, folder)
    facts = {
        "title": model.title,
        "source": "embedded",
        "name": name,
        "gguf": {"sha256": model.sha256, "repository": model.repository},
    }
    write_record(
        record, folder, **facts, licence=model.licence, terms=model.terms, template=template
    )


if __name__ == "__main__":
    run_job(convert_model, snakemake)
