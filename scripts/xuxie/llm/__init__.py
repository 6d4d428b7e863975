"""Asking language models: paid once, never lost, as fast as the endpoint allows."""

from xuxie.llm.completions import ask_all
from xuxie.llm.endpoint import Endpoint, open_endpoint
from xuxie.llm.question import Answered, Completion, Failed, Question
from xuxie.llm.role import open_role
from xuxie.llm.usage import Usage

__all__ = [
    "Answered",
    "Completion",
    "Endpoint",
    "Failed",
    "Question",
    "Usage",
    "ask_all",
    "open_endpoint",
    "open_role",
]
