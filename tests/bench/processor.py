"""What a benchmark costs each process in time of the processor: it tells what bounds a rate, whatever else runs."""

import os
from collections.abc import Mapping

import psutil


class Usage:
    """Counts from the moment it is made. `pids` are processes by name; their children count as theirs."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in {**pids, "bench": os.getpid()}.items()}
        self._before = {name: _seconds(process) for name, process in self._processes.items()}

    def described(self, each: int) -> str:
        """Say how many milliseconds each process was busy for one of `each` things."""
        used = {name: _seconds(process) - self._before[name] for name, process in self._processes.items()}
        total = sum(used.values()) * 1000 / each
        return ", ".join(f"{name} {seconds * 1000 / each:.3f}" for name, seconds in used.items()) + f"; all {total:.3f}"


def _seconds(process: psutil.Process) -> float:
    own = process.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in process.children() if process.pid != os.getpid() else []:
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)
