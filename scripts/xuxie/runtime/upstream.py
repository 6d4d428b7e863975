"""Everything of other projects that is replaced, imitated or private here, and so may change with any release.

Each was read in the release that the lock names. `fingerprint` is the hash of the source as it was
read: a test fails by name when a new release changes it, and whoever renews the lock then reads it
again, mends what depends on it, and notes the new fingerprint. The environment of Qwen-1 never
changes, and is left out.
"""

import hashlib
import inspect
from dataclasses import dataclass
from functools import reduce
from importlib import import_module

from xuxie.runtime.llamafactory import import_factory


@dataclass(frozen=True)
class Reliance:
    """Something of another project's insides.

    Attributes:
        project: the distribution.
        release: the one in which it was read.
        module, name: where it is; the name may have dots. Without a name, the module itself.
        used_in: the module of ours that depends on it.
        reason: what it is needed for, and why nothing public would do.
        fingerprint: of its source in that release.
    """

    project: str
    release: str
    module: str
    name: str
    used_in: str
    reason: str
    fingerprint: str

    def __str__(self) -> str:
        return ".".join(filter(None, (self.module, self.name)))


FACTORY, TRANSFORMERS, SNAKEMAKE = (
    ("llamafactory", "0.9.5"),
    ("transformers", "5.6.0"),
    ("snakemake", "9.27.1"),
)

RELIANCES = (
    Reliance(
        *FACTORY,
        "llamafactory.data.mm_plugin",
        "",
        "xuxie.runtime.llamafactory",
        "imports torchaudio at its top, though text never reaches it; an empty module stands in",
        "2c1cd3c42a312602",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.hparams.parser",
        "get_train_args",
        "xuxie.training.arguments",
        "checks arguments before a GPU hour is spent; the command line would train at once",
        "6649fbb8bc7fba53",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.hparams.data_args",
        "DataArguments",
        "xuxie.prompts.prompting",
        "the arguments that shape a row, without those of a whole run",
        "257827a4581dd843",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.data.parser",
        "DatasetAttr",
        "xuxie.prompts.prompting",
        "columns of a row as the converter wants them; the public way reads a file",
        "735400817f059d43",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.data.converter",
        "AlpacaDatasetConverter",
        "xuxie.prompts.prompting",
        "one row as the trainer reads it",
        "d9ed9bdae2f943f8",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.data.processor.supervised",
        "SupervisedDatasetProcessor._encode_data_example",
        "xuxie.prompts.prompting",
        "ids and labels of one row as the trainer makes them; the public way wants a whole dataset",
        "a1a19c8cd400fa47",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.data.template",
        "get_template_and_fix_tokenizer",
        "xuxie.prompts.prompting",
        "changes shared templates and the tokenizer; both are copied before",
        "e5fe5b2b649595cf",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.data.template",
        "Template._get_jinja_template",
        "xuxie.export.chat_template",
        "the chat template of an exported model; the public way overwrites the tokenizer's",
        "95a8554aee865716",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.data.template",
        "Template._get_ollama_template",
        "xuxie.export.chat_template",
        "the wording in a Modelfile; the public way writes a system prompt of its own into it",
        "60adacd0b784e72a",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.model.patcher",
        "patch_model",
        "xuxie.training.loaded_models",
        "the only place where a loaded model can be changed before it is trained, and what replaces its own `generate`",
        "da9c89e89c165066",
    ),
    Reliance(
        *TRANSFORMERS,
        "transformers.loss.loss_utils",
        "ForCausalLMLoss",
        "xuxie.training.chunked_loss",
        "imitated chunk by chunk: the shift of labels, the ignored label, the division by the items of the whole step",
        "daa131c9d3400c2a",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.model.model_utils.liger_kernel",
        "apply_liger_kernel",
        "xuxie.training.features",
        "which types of models get kernels stands in its code alone; it is run with an empty module in liger's place",
        "bd36084697b3a386",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.launcher",
        "launch",
        "xuxie.training.launcher",
        "starts torchrun over its own file; the file's name is set to a module of ours",
        "18f053dacf0fbd8c",
    ),
    Reliance(
        *FACTORY,
        "llamafactory.train.sft.workflow",
        "run_sft",
        "xuxie.training.evaluated_once",
        "evaluates once more after the last epoch's evaluation, unless the arguments are changed under it",
        "b7dcee499aaa561b",
    ),
    Reliance(
        *TRANSFORMERS,
        "transformers.trainer_pt_utils",
        "LengthGroupedSampler",
        "xuxie.training.order",
        "draws the order of rows from the generator of dropout; a resumed run needs one of its own",
        "94785737f5f12789",
    ),
    Reliance(
        *TRANSFORMERS,
        "transformers.trainer",
        "Trainer._save_optimizer_and_scheduler",
        "xuxie.training.checkpoint_forms",
        "which files a checkpoint has, and which of them last, stands in its code alone",
        "c6a5b19390555ba6",
    ),
    Reliance(
        "accelerate",
        "1.11.0",
        "accelerate.utils.fsdp_utils",
        "save_fsdp_optimizer",
        "xuxie.training.checkpoint_forms",
        "the same, where the weights are shared out",
        "b435e0a451fe23ae",
    ),
    Reliance(
        *TRANSFORMERS,
        "transformers.trainer_callback",
        "PrinterCallback",
        "xuxie.training.progress",
        "prints bare dictionaries; replaced in the trainer, which offers no choice",
        "bfeb51748a15dc24",
    ),
    Reliance(
        *TRANSFORMERS,
        "transformers.cache_utils",
        "DynamicLayer",
        "xuxie.sampling.row_attention",
        "keys and values of a layer, read out to keep each row's own",
        "8416f71f6425725b",
    ),
    Reliance(
        *TRANSFORMERS,
        "transformers.configuration_utils",
        "PreTrainedConfig._attn_implementation",
        "xuxie.sampling.row_attention",
        "names the attention for a few steps and takes it back; the public setter reloads kernels",
        "9da506b957552b4a",
    ),
    Reliance(
        *SNAKEMAKE,
        "snakemake.settings.types",
        "ConfigSettings",
        "rules/common.smk",
        "--replace-workflow-config has to reach the jobs, and config of the command line to be told",
        "83cf3326a0c6dcff",
    ),
    Reliance(
        *SNAKEMAKE,
        "snakemake.settings.types",
        "StorageSettings",
        "rules/common.smk",
        "whether results already lie in a store, which no public name tells",
        "1c9ae92850af0aca",
    ),
    Reliance(
        "google-re2",
        "1.1.20251105",
        "re2",
        "_Regexp",
        "xuxie.text.watermarks",
        "the type of a compiled pattern has no public name",
        "bd9be3e7e84f337e",
    ),
)
"""llama.cpp's converter, whose look-up of a pre-tokenizer is replaced, is pinned by the hash of its
archive instead: `xuxie.export.llama_cpp`."""


def source_of(reliance: Reliance) -> str:
    """Its source as installed.

    Raises: AttributeError, ImportError: it no longer exists.
    """
    load = import_factory if reliance.module.startswith("llamafactory") else import_module
    part = reduce(getattr, filter(None, reliance.name.split(".")), load(reliance.module))
    return inspect.getsource(part.fget if isinstance(part, property) else part)


def fingerprint(source: str) -> str:
    """A short hash of a source; white space at the ends of lines does not count."""
    lines = "\n".join(line.rstrip() for line in source.splitlines())
    return hashlib.sha256(lines.encode()).hexdigest()[:16]
