"""How a question is put together, the same in rows, in earlier turns and in what is sampled."""


def question(instruction: str, passage: str) -> str:
    """Instruction and input as LLaMA-Factory joins them."""
    return f"{instruction}\n{passage}" if instruction and passage else instruction or passage
