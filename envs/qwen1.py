"""Turn qwen1.in into a lock and a conda file of their own: its packages are years older than all others here."""

from pathlib import Path

import lock

HERE = Path(__file__).parent
OVERRIDES = ("--override", str(HERE / "qwen1.overrides.txt"))


def main() -> None:
    """Write qwen1.lock, qwen1.yaml and qwen1.post-deploy.sh."""
    own = HERE / "qwen1.lock"
    lock.resolve(
        [HERE / "qwen1.in"],
        *OVERRIDES,
        "--generate-hashes",
        *("--no-emit-package", "torch", "--output-file", str(own)),
    )
    packages = lock.pins(lock.resolve([HERE / "qwen1.in"], *OVERRIDES, "--constraint", str(own)))
    (HERE / "qwen1.yaml").write_text(lock.conda_file("qwen1", packages), encoding="utf-8")
    (HERE / "qwen1.post-deploy.sh").write_text(lock.post_deploy_script(packages), encoding="utf-8")


if __name__ == "__main__":
    main()
