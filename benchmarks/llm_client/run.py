"""How near three clients come to what an endpoint of fixed latency allows, side by side.

    python benchmarks/llm_client/run.py [--curator PYTHON] [--memory]

The limit at C calls in flight is C / latency. Ours includes what the others leave out: each answer is checked against its
schema and fsynced into the journal before it is handed over. `--curator` names the Python of an environment in which
bespokelabs-curator is installed. `--memory` asks 100,000 questions more, and prints what our process holds meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
LATENCY = 0.3
ROUNDS = 40  # requests per call in flight


def start_server(latency: float) -> tuple[subprocess.Popen, str]:
    """Start the loopback server; return it and its address."""
    server = subprocess.Popen(
        [sys.executable, HERE / "server.py", "--latency", str(latency)],
        stdout=subprocess.PIPE,
        text=True,
    )
    return server, f"http://127.0.0.1:{int(server.stdout.readline())}/v1"


def measure(client: str, python: str, base_url: str, concurrency: int, count: int) -> dict:
    """Let a client ask in a process of its own; return its `seconds` and `cpu` seconds."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "PYTHONPATH": str(HERE.parents[1] / "scripts"),
            "TMPDIR": folder,
        }
        command = [
            python,
            HERE / "clients.py",
            client,
            base_url,
            str(concurrency),
            str(count),
            folder,
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{client} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curator", metavar="PYTHON")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[16, 64, 256])
    arguments = parser.parse_args()
    clients = {"xuxie": sys.executable, "openai": sys.executable, "bare": sys.executable}
    if arguments.curator:
        clients["curator"] = arguments.curator
    server, base_url = start_server(LATENCY)
    try:
        print(
            "| calls in flight | client | requests/s | of the limit | CPU ms per call |\n|---:|---|---:|---:|---:|"
        )
        for concurrency in arguments.concurrency:
            count = concurrency * ROUNDS
            for client, python in clients.items():
                took = measure(client, python, base_url, concurrency, count)
                rate = count / took["seconds"]
                share = rate / (concurrency / LATENCY)
                print(
                    f"| {concurrency} | {client} | {rate:.1f} | {share:.3f} | {1000 * took['cpu'] / count:.2f} |",
                    flush=True,
                )
    finally:
        server.kill()
    if arguments.memory:
        server, base_url = start_server(0.02)
        try:
            print("\n| answered | resident MB |\n|---:|---:|")
            for answered, megabytes in measure("xuxie", sys.executable, base_url, 64, 100_000)[
                "memory"
            ]:
                print(f"| {answered} | {megabytes:.0f} |")
        finally:
            server.kill()


if __name__ == "__main__":
    main()
