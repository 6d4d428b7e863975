"""The clients that run.py compares: each asks `count` questions and prints how long that took. Run by run.py."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHUNK = (
    "却说那一日天色将晚，江面上起了薄雾，他把灯挂在船头，望着对岸的灯火出神。" * 16
)  # about 600 characters


def messages(number: int) -> list[dict]:
    """A question of the size of a chunk."""
    return [
        {"role": "system", "content": "Read the passage."},
        {"role": "user", "content": f"{number} {CHUNK}"},
    ]


def xuxie(base_url: str, concurrency: int, folder: Path) -> Callable[[int], dict]:
    """Ours, journal and all."""
    import pydantic
    from xuxie.llm import Question, ask_all, open_endpoint

    class Echo(pydantic.BaseModel):
        text: str
        length: int

    def ask(count):
        held = []
        with open_endpoint(
            {
                "base_url": base_url,
                "model": "echo",
                "concurrency": concurrency,
                "structured": "schema",
                "check_model": False,  # once a job: here it would take as long as an answer
            }
        ) as endpoint:
            questions = (Question(f"q{number}", messages(number), Echo) for number in range(count))
            for done, _ in enumerate(ask_all(endpoint, questions, journal=folder / "journal"), 1):
                if done % (count // 10) == 0:
                    pages = int(Path("/proc/self/statm").read_text().split()[1])
                    held.append([done, pages * os.sysconf("SC_PAGE_SIZE") / 1e6])
        return {"memory": held}

    return ask


def openai(base_url: str, concurrency: int, folder: Path) -> Callable[[int], dict]:
    """The plain way: AsyncOpenAI over the same transport, and a semaphore."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async def ask(count):
        limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        async with AsyncOpenAI(
            base_url=base_url,
            api_key="none",
            max_retries=0,
            http_client=DefaultAioHttpClient(limits=limits),
        ) as client:
            slots = asyncio.Semaphore(concurrency)

            async def one(number):
                async with slots:
                    answer = await client.chat.completions.create(
                        model="echo", messages=messages(number), max_tokens=100
                    )
                    return json.loads(answer.choices[0].message.content)

            await asyncio.gather(*map(one, range(count)))
        return {}

    return lambda count: asyncio.run(ask(count))


def curator(base_url: str, concurrency: int, folder: Path) -> Callable[[int], dict]:
    """bespokelabs-curator, its rate limits out of the way."""
    os.environ |= {
        "TELEMETRY_ENABLED": "false",
        "CURATOR_CACHE_DIR": str(folder),
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
    }
    os.environ |= {"OPENAI_API_KEY": "none", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    import tiktoken
    from bespokelabs import curator as library

    # It counts tokens with a vocabulary from the network; bytes do without one.
    by_bytes = tiktoken.Encoding(
        "bytes",
        pat_str=r"\S+|\s+",
        mergeable_ranks={bytes([n]): n for n in range(256)},
        special_tokens={},
    )
    tiktoken.get_encoding = tiktoken.encoding_for_model = lambda *_: by_bytes

    class Asker(library.LLM):
        def prompt(self, row):
            return messages(row["number"])

        def parse(self, row, response):
            return {"number": row["number"], "answer": response}

    def ask(count):
        limits = {"max_requests_per_minute": 10_000_000, "max_tokens_per_minute": 1_000_000_000}
        parameters = {"base_url": base_url, "max_concurrent_requests": concurrency, **limits}
        answers = Asker(model_name="gpt-4o-mini", backend="openai", backend_params=parameters)(
            [{"number": n} for n in range(count)]
        )
        if len(getattr(answers, "dataset", answers)) != count:
            raise RuntimeError("curator lost answers")
        return {}

    return ask


if __name__ == "__main__":
    client, base_url, concurrency, count, folder = sys.argv[1:]
    ask = globals()[client](base_url, int(concurrency), Path(folder))  # imports are not timed
    began, cpu = time.monotonic(), time.process_time()
    found = ask(int(count))
    print(
        json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu, **found})
    )
