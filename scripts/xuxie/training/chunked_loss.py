"""The cross-entropy of a language model without holding all of its logits, for training on a CPU.

A vocabulary of 150,000 makes the logits of a row of 1,000 tokens 0.6 GB, several times over in the
backward pass: a third of a small model's training time goes into touching that memory. Here the
output head is applied to some positions at a time, only to those that bear loss, and what the
backward pass needs, the gradient to the hidden states, is made on the way. Otherwise it is transformers'
`ForCausalLMLoss`.
"""

import functools
import logging

import torch

from xuxie.training.loaded_models import change_loaded_models

logger = logging.getLogger(__name__)

POSITIONS = 128
"""How many positions have their logits in memory at once."""

IGNORED = -100


class _CrossEntropy(torch.autograd.Function):
    """Sum of -log softmax(hidden @ weight.T)[target] over positions; the weight is constant."""

    @staticmethod
    def forward(context, hidden, weight, targets):
        gradient = torch.empty_like(hidden)
        total = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(targets), POSITIONS):
            part = slice(start, start + POSITIONS)
            logits = (hidden[part] @ weight.T).float()
            normaliser = logits.logsumexp(1, keepdim=True)
            total += (normaliser - logits.gather(1, targets[part, None])).sum()
            # d loss / d logits = softmax - one-hot, in place of the logits.
            probabilities = logits.sub_(normaliser).exp_()
            probabilities[torch.arange(len(logits)), targets[part]] -= 1
            gradient[part] = probabilities.to(weight.dtype) @ weight
        context.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(context, upstream):
        (gradient,) = context.saved_tensors
        return gradient * upstream.to(gradient.dtype), None, None


class _Head(torch.nn.Linear):
    """An output head that hands on the hidden states while its model takes the loss in chunks.

    A class, not a function put on the head: the copy that PEFT makes to train would call it with the first head's weights.
    """

    chunking = False

    def forward(self, hidden):
        return hidden if self.chunking else super().forward(hidden)


def chunk_loss_on_cpu() -> None:
    """Let every model that LLaMA-Factory loads in this process to train on a CPU have its loss in chunks, where that is the same loss."""
    if not torch.cuda.is_available():
        change_loaded_models(_chunk_and_tell)


def _chunk_and_tell(model, _model_args) -> None:
    logger.info(
        "loss in chunks: %s",
        "yes, unless the output head is trained"
        if chunk_loss(model)
        else "no, not the model's own",
    )


def chunk_loss(model) -> bool:
    """Give a causal language model the loss in chunks while it trains with labels; without labels, or once its head is trained
    (itself, as a copy or with a LoRA, whenever these are put in its place), it answers as before.

    Whether the model does something of its own to its logits (soft caps, scales) is found by trying: both losses
    of a few tokens must agree.

    Returns:
        whether the model has it now.
    """
    head = model.get_output_embeddings()
    if (
        type(head) is not torch.nn.Linear
        or head.bias is not None
        or not hasattr(model, "loss_function")
    ):
        return False
    plain_forward, plain_loss = model.forward, model.loss_function

    @functools.wraps(plain_forward)
    def forward(*args, labels=None, **kwargs):
        # A head that is trained needs a gradient of its own; where PEFT trains it, another one stands in its place.
        trained = head.weight.requires_grad or model.get_output_embeddings() is not head
        head.chunking = labels is not None and model.training and not trained
        try:
            return plain_forward(*args, labels=labels, **kwargs)
        finally:
            head.chunking = False

    def loss_function(logits, labels, *args, num_items_in_batch=None, **kwargs):
        if not head.chunking:
            return plain_loss(
                logits, labels, *args, num_items_in_batch=num_items_in_batch, **kwargs
            )
        targets = torch.nn.functional.pad(labels, (0, 1), value=IGNORED)[..., 1:]
        wanted = targets != IGNORED
        hidden = logits[wanted].to(head.weight.dtype)
        total = _CrossEntropy.apply(hidden, head.weight, targets[wanted])
        return total / (wanted.sum() if num_items_in_batch is None else num_items_in_batch)

    head.__class__ = _Head
    model.forward, model.loss_function = forward, loss_function
    if _agrees(model):
        return True
    head.__class__ = torch.nn.Linear
    del model.forward, model._loss_function
    return False


@torch.no_grad()
def _agrees(model) -> bool:
    """Whether the loss of a few tokens is the same in chunks and as the model takes it."""
    ids = torch.arange(1, 9)[None]
    was_training, asks = (
        model.training,
        [parameter for parameter in model.parameters() if parameter.requires_grad],
    )
    try:
        for parameter in asks:
            parameter.requires_grad_(False)
        plain, chunked = (
            model.train(mode)(input_ids=ids, labels=ids).loss for mode in (False, True)
        )
    finally:
        model.train(was_training)
        for parameter in asks:
            parameter.requires_grad_(True)
    return torch.allclose(plain, chunked, rtol=1e-3)
