"""What a person sees while a model trains."""

import logging
import time

import transformers

from xuxie.runtime.clock import clock
from xuxie.runtime.hooks import put_in_place

logger = logging.getLogger(__name__)

NAMES = {
    "loss": "loss",
    "eval_loss": "loss on the val chapters",
    "learning_rate": "learning rate",
    "grad_norm": "gradient norm",
}


class TrainingProgress(transformers.TrainerCallback):
    """Logs loss, learning rate, useful tokens per second and the time left, once for each entry of the trainer's log."""

    def on_train_begin(self, args, state, control, **kwargs):
        """Start the clock; a resumed run counts from where it resumes."""
        self._start, self._first_step, self._first_tokens = (
            time.monotonic(),
            state.global_step,
            state.num_input_tokens_seen,
        )

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Write one line."""
        if not state.is_world_process_zero or not logs or not {"loss", "eval_loss"} & logs.keys():
            return
        seconds = time.monotonic() - self._start
        steps, tokens = (
            state.global_step - self._first_step,
            state.num_input_tokens_seen - self._first_tokens,
        )
        line = [f"step {state.global_step} of {state.max_steps}"]
        line += [f"{name} {float(logs[key]):.4g}" for key, name in NAMES.items() if key in logs]
        if tokens:
            line.append(f"{tokens / seconds:.0f} useful tokens/s")
        if steps:
            line.append(f"{clock((state.max_steps - state.global_step) * seconds / steps)} left")
        logger.info(", ".join(line))


def show_progress() -> None:
    """Let every trainer of this process report through `TrainingProgress`, in place of a bar or of bare dictionaries."""
    for name in ("PrinterCallback", "DEFAULT_PROGRESS_CALLBACK"):
        put_in_place(transformers.trainer, name, TrainingProgress)
