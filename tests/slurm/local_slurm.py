"""A SLURM of one node on this host: munged, slurmctld and slurmd in a temporary folder, stopped at the end. It runs as root.

python tests/slurm/local_slurm.py sinfo          # a command with it; of the grid too:
python tests/slurm/local_slurm.py python -m experiments.grid.run_grid --prepared build/demo/data/synthetic --system tiny --executor slurm
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

COMMANDS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
START_SECONDS = 30
STOP_SECONDS = 20
# The GPU is a number only. A job that was requeued may start again after cred_expire seconds, 120 where it is not set.
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=1
SlurmdParameters=config_overrides
ReturnToService=1
JobRequeue=1
KillWait=1
MinJobAge=86400
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=2000 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class ClusterError(RuntimeError):
    """SLURM does not start; the message says why."""


@dataclass
class Cluster:
    """A running SLURM: what a command needs to find it."""

    environment: dict[str, str]
    node: str
    daemons: list[subprocess.Popen] = field(default_factory=list)

    def run(self, *words: str, check: bool = True) -> str:
        """Runs a command, and returns what it says."""
        done = subprocess.run(words, env=self.environment, check=False, capture_output=True, text=True)
        if check and done.returncode:
            raise ClusterError(f"{' '.join(words)} fails: {done.stderr.strip() or done.returncode}")
        return done.stdout.strip()

    def node_down_and_back(self) -> None:
        """What SLURM does when it loses its node: the node's jobs are killed and requeued."""
        self.run("scontrol", "update", f"NodeName={self.node}", "State=DOWN", "Reason=test")
        time.sleep(1)
        self.run("scontrol", "update", f"NodeName={self.node}", "State=RESUME")


def unavailable() -> str:
    """Why SLURM cannot start here, "" when nothing is known against it."""
    missing = [name for name in COMMANDS if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} not found: SLURM is not installed (Debian's packages are slurm-wlm and munge)"
    return "" if os.geteuid() == 0 else "SLURM's daemons need root"


@contextlib.contextmanager
def start(cpus: int = 2) -> Iterator[Cluster]:
    """Starts SLURM, and stops it with all its jobs.

    Args:
        cpus: Processors of the node, as SLURM counts them.

    Raises:
        ClusterError: It does not start.
    """
    if reason := unavailable():
        raise ClusterError(reason)
    host = socket.gethostname().partition(".")[0]
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("state", "spool"):
            (folder / part).mkdir()
        (folder / "munge.key").touch(mode=0o600)
        (folder / "munge.key").write_bytes(os.urandom(128))
        controller_port, node_port = _free_ports(2)
        configuration = folder / "slurm.conf"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, host=host, cpus=cpus, controller_port=controller_port, node_port=node_port)
        )
        (folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        cluster = Cluster({**os.environ, "SLURM_CONF": str(configuration)}, host)
        stack.callback(_stop, cluster)
        files = {option: folder / f"munge.{option}" for option in ("socket", "pid", "log", "seed")}
        munge = [f"--socket={files['socket']}", f"--pid-file={files['pid']}", f"--log-file={files['log']}", f"--seed-file={files['seed']}"]
        _daemon(cluster, folder, "munged", "--foreground", "--force", f"--key-file={folder / 'munge.key'}", *munge)
        _await(cluster, folder, files["socket"].exists)
        _daemon(cluster, folder, "slurmctld", "-D")
        _await(cluster, folder, lambda: " UP" in cluster.run("scontrol", "ping", check=False))
        _daemon(cluster, folder, "slurmd", "-D")
        _await(cluster, folder, lambda: cluster.run("sinfo", "--noheader", "--format=%T", check=False) == "idle")
        yield cluster


def _daemon(cluster: Cluster, folder: Path, *words: str) -> None:
    with (folder / f"{words[0]}.log").open("w", encoding="utf-8") as log:
        cluster.daemons.append(
            subprocess.Popen(words, env=cluster.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        )


def _await(cluster: Cluster, folder: Path, ready) -> None:
    end = time.monotonic() + START_SECONDS
    while not ready():
        daemon = cluster.daemons[-1]
        if daemon.poll() is not None or time.monotonic() > end:
            log = (folder / f"{Path(str(daemon.args[0])).name}.log").read_text(encoding="utf-8").strip().splitlines()
            raise ClusterError(f"{daemon.args[0]} is not ready after {START_SECONDS} s or less: {log[-1] if log else 'it says nothing'}")
        time.sleep(0.2)


def _stop(cluster: Cluster) -> None:
    """Ends the jobs, which slurmd would leave behind, then the daemons from the last one to the first."""
    if len(cluster.daemons) == 3:
        cluster.run("scancel", "--user=root", check=False)
        end = time.monotonic() + STOP_SECONDS
        while cluster.run("squeue", "--noheader", check=False) and time.monotonic() < end:
            time.sleep(0.2)
    for daemon in reversed(cluster.daemons):
        daemon.terminate()
        try:
            daemon.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def main() -> int:
    """Runs the command that the arguments are."""
    try:
        with start() as cluster:
            return subprocess.run(sys.argv[1:] or ["sinfo"], env=cluster.environment, check=False).returncode
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
