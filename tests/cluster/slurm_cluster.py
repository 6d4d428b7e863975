"""A Slurm cluster of one node on this machine: controller, accounting, a cpu and a gpu partition, and a GPU that is only a file.

Everything lives in a folder of its own and on free ports of the loopback interface, beside whatever else runs here. The
node claims more cores and memory than the machine has, so that jobs of real sizes are let in; nothing is enforced.
It needs root, since slurmd starts jobs as their users. As a script it runs until it is interrupted:

    python tests/cluster/slurm_cluster.py FOLDER
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

PROGRAMS = (
    "munged",
    "mariadbd",
    "mariadb-install-db",
    "slurmdbd",
    "slurmctld",
    "slurmd",
    "sbatch",
    "srun",
    "sacctmgr",
)

SLURM_CONF = """\
ClusterName=xuxie
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctld_port}
SlurmdPort={slurmd_port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,defer_batch,bf_interval=2
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost={host}
AccountingStoragePort={dbd_port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment,job_script
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobRequeue=1
OverTimeLimit=0
KillWait=20
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=200000 Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} MaxTime=INFINITE State=UP
"""

SLURMDBD_CONF = """\
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={dbd_port}
CommunicationParameters=NoInAddrAny
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={db_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
"""


def why_not() -> str | None:
    """Why no cluster can be had here; None if one can."""
    missing = [program for program in PROGRAMS if not _found(program)]
    if missing:
        return f"{', '.join(missing)} not found: run tests/system_packages.sh --slurm"
    if os.geteuid() != 0:
        return "slurmd needs root"
    return None


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


class SlurmCluster:
    """The cluster, up while the context is open; Slurm's commands find it by `environment`.

    Args:
        folder: where all its files go.
        cores: those that its node claims to have.
    """

    def __init__(self, folder: Path, cores: int = 32):
        self.folder = folder.resolve()
        self.cores = cores
        self.host = socket.gethostname().split(".")[0]
        self.environment = {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
        }
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def command(self, *words: str, check: bool = True) -> str:
        """The output of a Slurm command."""
        done = subprocess.run(
            words,
            check=False,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(words)} failed: {done.stdout}{done.stderr}")
        return done.stdout

    def jobs(self, *fields: str) -> list[dict[str, str]]:
        """What accounting knows of every job (not of its steps), oldest first."""
        rows = self.command(
            "sacct",
            "-X",
            "-n",
            "-P",
            "--allusers",
            "--duplicates",
            "--starttime=now-1days",
            f"--format={','.join(fields)}",
        )
        return [dict(zip(fields, line.split("|"), strict=True)) for line in rows.splitlines()]

    def stop(self) -> None:
        """Cancel what runs and end the daemons, last started first, each by its own process id."""
        if len(self._daemons) == 5:
            self.command("scancel", "--user", "root", check=False)
            self._until(
                lambda: not self.command("squeue", "-h", check=False).strip(),
                "all jobs are gone",
                seconds=30,
                fail=False,
            )
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons.clear()

    def restart(self, program: str) -> None:
        """Kill a daemon outright, as a failing machine would, and start it again from what it had saved."""
        [daemon] = [one for one in self._daemons if Path(one.args[0]).name == program]
        self._daemons.remove(daemon)
        daemon.kill()
        daemon.wait()
        self._daemon(program, "-D")
        self._until(lambda: self._answers("scontrol", "ping"), f"{program} answers again")

    def put_right(self) -> None:
        """Do what an administrator has to after a controller was killed that had not saved its newest jobs.

        It gives their numbers away again, takes the node out of service for that, and holds what it could not start there.
        """
        if "drain" in self.command("sinfo", "--noheader", "--format=%T"):
            self.command("scontrol", "update", f"nodename={self.host}", "state=resume")
        for line in self.command("squeue", "--noheader", "--format=%i %r").splitlines():
            job, reason = line.split(maxsplit=1)
            if "requeued held" in reason:
                self.command("scontrol", "release", job)

    def _start(self) -> None:
        for name in ("state", "spool", "db", "run", "bin"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Snakemake's Slurm executor takes SLURM_CONF away from the srun inside a job.
        step = self.folder / "bin/srun"
        step.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {_found("srun")} "$@"\n'
        )
        step.chmod(0o755)
        self.folder.chmod(0o755)  # munge insists that nobody else can write where its socket is
        ports = dict(
            zip(("ctld_port", "slurmd_port", "dbd_port", "db_port"), _free_ports(4), strict=True)
        )
        values = {"host": self.host, "cores": self.cores, "folder": self.folder, **ports}
        (self.folder / "slurm.conf").write_text(SLURM_CONF.format(**values))
        (self.folder / "slurmdbd.conf").write_text(SLURMDBD_CONF.format(**values))
        (self.folder / "slurmdbd.conf").chmod(0o600)
        (self.folder / "nvidia0").touch()
        (self.folder / "gres.conf").write_text(
            f"NodeName={self.host} Name=gpu File={self.folder}/nvidia0\n"
        )
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        self._start_munge()
        self._start_database(ports["db_port"])
        self._start_accounting()
        for entry in (
            ["cluster", "xuxie"],
            ["account", "writers", "cluster=xuxie"],
            ["user", "root", "account=writers", "cluster=xuxie"],
        ):
            self.command("sacctmgr", "-i", "add", *entry)
        self.command("sacctmgr", "-i", "modify", "user", "root", "set", "DefaultAccount=writers")
        self._daemon("slurmctld", "-D", "-i")
        self._until(lambda: self._answers("scontrol", "ping"), "slurmctld answers")
        self._daemon("slurmd", "-D", "-N", self.host)
        self._until(
            lambda: "idle" in self.command("sinfo", "-h", "-o", "%T", check=False),
            "the node is idle",
        )

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(os.urandom(128))
        paths = {name: self.folder / f"munge.{name}" for name in ("socket", "log", "pid", "seed")}
        self._daemon(
            "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={paths['socket']}", f"--log-file={paths['log']}",
            f"--pid-file={paths['pid']}", f"--seed-file={paths['seed']}",
        )  # fmt: skip
        self._until(paths["socket"].exists, "munge listens")

    def _start_database(self, port: int) -> None:
        data = self.folder / "db"
        install = [
            _found("mariadb-install-db"),
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            "--auth-root-authentication-method=normal",
        ]
        for last in (False, False, True):  # it has failed beside other work, not when tried again
            made = subprocess.run(install, capture_output=True, text=True)
            if made.returncode == 0:
                break
            if last:
                raise RuntimeError(f"no database: {made.stdout}{made.stderr}")
            shutil.rmtree(data, ignore_errors=True)
        sql = self.folder / "init.sql"
        sql.write_text(
            "CREATE DATABASE IF NOT EXISTS slurm_acct_db;\n"
            "CREATE USER IF NOT EXISTS 'slurm'@'127.0.0.1' IDENTIFIED BY 'slurm';\n"
            "CREATE USER IF NOT EXISTS 'slurm'@'localhost' IDENTIFIED BY 'slurm';\n"
            "GRANT ALL ON slurm_acct_db.* TO 'slurm'@'127.0.0.1';\n"
            "GRANT ALL ON slurm_acct_db.* TO 'slurm'@'localhost';\n"
        )
        self._daemon(
            "mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={self.folder}/run/db.sock", f"--pid-file={self.folder}/run/db.pid", f"--init-file={sql}", "--innodb-buffer-pool-size=64M",
        )  # fmt: skip
        self._until(lambda: _listens(port), "the database listens")

    def _start_accounting(self, tries: int = 3) -> None:
        """slurmdbd, which now and then gives up while it makes its tables in a new database."""
        self._daemon("slurmdbd", "-D")
        try:
            self._until(
                lambda: self._answers("sacctmgr", "-n", "show", "cluster"), "slurmdbd answers"
            )
        except RuntimeError:
            if tries == 1 or self._daemons[-1].poll() is None:
                raise
            self._daemons.pop()
            self._start_accounting(tries - 1)

    def _daemon(self, program: str, *arguments: str) -> None:
        with open(self.folder / f"{program}.out", "w") as out:
            environment = {**os.environ, **self.environment}
            self._daemons.append(
                subprocess.Popen(
                    [_found(program), *arguments], env=environment, stdout=out, stderr=out
                )
            )

    def _answers(self, *words: str) -> bool:
        done = subprocess.run(
            words,
            check=False,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
        )
        return done.returncode == 0 and "DOWN" not in done.stdout

    def _until(
        self, holds: Callable[[], bool], what: str, *, seconds: float = 300, fail: bool = True
    ) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if holds():
                return
            for daemon in self._daemons:
                if daemon.poll() is not None and fail:
                    raise RuntimeError(
                        f"{daemon.args[0]} ended with {daemon.returncode} before {what}; see {self.folder}/*.out and *.log"
                    )
            time.sleep(0.2)
        if fail:
            raise RuntimeError(
                f"not after {seconds:g} s: {what}; see {self.folder}/*.out and *.log"
            )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


if __name__ == "__main__":
    if reason := why_not():
        sys.exit(reason)
    with SlurmCluster(Path(sys.argv[1])) as cluster:
        print(
            *(f"export {name}={value}" for name, value in cluster.environment.items()),
            sep="\n",
            flush=True,
        )
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
