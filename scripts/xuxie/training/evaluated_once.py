"""The val chapters are not read a second time once training has ended."""

import transformers

from xuxie.runtime.hooks import put_in_place


class EvaluatedOnce(transformers.TrainerCallback):
    """Spares the evaluation that LLaMA-Factory (`run_sft`, `run_pt`) repeats after the last epoch's, on the same weights and rows."""

    def on_train_end(self, args, state, control, **kwargs):
        """Ask for no more of it, unless the last step has none yet."""
        measured = [entry["step"] for entry in state.log_history if "eval_loss" in entry]
        if measured and measured[-1] == state.global_step:
            args.do_eval = False


def evaluate_once() -> None:
    """Let every trainer of this process end without it."""
    trainer = transformers.trainer
    put_in_place(trainer, "DEFAULT_CALLBACKS", [*trainer.DEFAULT_CALLBACKS, EvaluatedOnce])
