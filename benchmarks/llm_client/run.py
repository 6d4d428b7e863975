"""How near our client and others come to what an endpoint of fixed latency allows, side by side in one run.

    python benchmarks/llm_client/run.py [--curator PYTHON] [--memory COUNT] [--out FILE]

The limit at C calls in flight is C / latency. Ours includes what the others leave out: each answer is checked against its
schema and fsynced into the journal before it is handed over. `--curator` names the Python of an environment in which
bespokelabs-curator is installed. `--memory` asks that many questions more, and tells what our process holds meanwhile.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent


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


def compare(
    clients: dict[str, str], latency: float, concurrencies: list[int], rounds: int
) -> list[dict]:
    """One row a client and number of calls in flight, printed as they come."""
    server, base_url = start_server(latency)
    rows = []
    try:
        for concurrency in concurrencies:
            count = concurrency * rounds
            for client, python in clients.items():
                took = measure(client, python, base_url, concurrency, count)
                rate = count / took["seconds"]
                rows.append(
                    {
                        "latency": latency,
                        "in_flight": concurrency,
                        "client": client,
                        "per_second": round(rate, 1),
                        "of_the_limit": round(rate * latency / concurrency, 3),
                        "cpu_ms_per_call": round(1000 * took["cpu"] / count, 2),
                    }
                )
                print("|", " | ".join(map(str, rows[-1].values())), "|", flush=True)
    finally:
        server.kill()
    return rows


def main() -> None:
    """Measure, print a table, and write what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curator", metavar="PYTHON")
    parser.add_argument("--memory", type=int, default=0, metavar="COUNT")
    parser.add_argument("--latency", type=float, nargs="*", default=[2.0, 0.3])
    parser.add_argument("--concurrency", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--rounds", type=int, default=30, help="questions per call in flight")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    clients = {"xuxie": sys.executable, "openai": sys.executable}
    if arguments.curator:
        clients["curator"] = arguments.curator
    print("| latency, s | calls in flight | client | requests/s | of the limit | CPU ms per call |")
    print("|---:|---:|---|---:|---:|---:|", flush=True)
    found: dict = {
        "load": os.getloadavg(),
        "cores": os.cpu_count(),
        "rounds": arguments.rounds,
        "rates": [],
        "memory": [],
    }
    for latency in arguments.latency:
        found["rates"] += compare(clients, latency, arguments.concurrency, arguments.rounds)
    if arguments.memory:
        server, base_url = start_server(0.02)
        try:
            held = measure("xuxie", sys.executable, base_url, 64, arguments.memory)["memory"]
        finally:
            server.kill()
        found["memory"] = [{"answered": count, "resident_mb": round(mb, 1)} for count, mb in held]
        print("\n| answered | resident MB |\n|---:|---:|")
        for row in found["memory"]:
            print(f"| {row['answered']} | {row['resident_mb']:.0f} |")
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
