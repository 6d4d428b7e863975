"""Turn gpu.in into a second lock of everything, with torch for CUDA in it, and a conda file for models that train on a GPU."""

import lock

IN, LOCK = lock.HERE / "gpu.in", lock.HERE / "gpu.lock"


def main() -> None:
    """Write gpu.lock, gpu.yaml and gpu.post-deploy.sh.

    What stands in requirements.lock keeps its pin. Without the extra sources of wheels, of which the torch may be a CPU's.
    """
    pinned = ("--constraint", str(lock.LOCK))
    sources = [lock.HERE / f"{kind}.in" for kind in (*lock.KINDS, "dev", "gpu")]
    lock.resolve(
        sources, *pinned, "--generate-hashes", "--output-file", str(LOCK), extra_wheels=False
    )
    packages = lock.pins(lock.resolve([IN], "--constraint", str(LOCK), extra_wheels=False))
    (lock.HERE / "gpu.yaml").write_text(lock.conda_file("gpu", packages), encoding="utf-8")
    (lock.HERE / "gpu.post-deploy.sh").write_text(
        lock.post_deploy_script(packages), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
