"""A process that was started is recognised, and a stranger with its pid is left alone."""

import dataclasses
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from deploy.local import processes
from deploy.local.processes import Running, StartError

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(60)",
]


def test_a_process_lives_until_it_is_ended(tmp_path: Path) -> None:
    process = processes.spawn(SLEEPER, log=tmp_path / "log")
    assert processes.alive(process)
    assert processes.end(process)
    assert not processes.alive(process)


def test_a_process_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = processes.spawn(STUBBORN, log=log)
    assert processes.wait_until(lambda: "here" in log.read_text(), 10)
    assert not processes.end(process, patience=0.2)
    assert not processes.alive(process)


def test_a_pid_that_belongs_to_somebody_else_by_now_is_not_ours(tmp_path: Path) -> None:
    process = processes.spawn(SLEEPER, log=tmp_path / "log")
    earlier = dataclasses.replace(process, started=process.started - 3600)
    other_program = dataclasses.replace(process, program="postgres")
    assert not processes.alive(earlier)
    assert not processes.alive(other_program)
    processes.end(earlier, how=signal.SIGKILL)
    assert processes.alive(process)
    processes.end(process)


def test_a_zombie_does_not_live(tmp_path: Path) -> None:
    process = processes.spawn([sys.executable, "-c", "pass"], log=tmp_path / "log")
    assert processes.wait_until(lambda: not processes.alive(process), 10)


def test_a_process_outlives_the_group_of_the_one_that_started_it(tmp_path: Path) -> None:
    process = processes.spawn(SLEEPER, log=tmp_path / "log")
    assert os.getpgid(process.pid) == process.pid
    processes.end(process)


def test_one_that_ends_at_once_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = processes.spawn([sys.executable, "-c", "print('no room on disk'); raise SystemExit(3)"], log=log)
    with pytest.raises(StartError, match=r"ended right away(.|\n)*no room on disk"):
        processes.wait_ready("thing", process, lambda: False, log=log, patience=10)


def test_one_that_never_answers_is_reported(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = processes.spawn(SLEEPER, log=log)
    with pytest.raises(StartError, match="gives no answer"):
        processes.wait_ready("thing", process, lambda: False, log=log, patience=0.1)
    processes.end(process)


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert not processes.is_free(port)
    first = processes.free_port(0, [])
    assert processes.free_port(0, [first]) != first


def test_ports_lie_below_those_that_systems_hand_out() -> None:
    assert max(processes.PORTS) < 32768


def test_nothing_is_no_running_process() -> None:
    assert not processes.alive(None)
    assert processes.end(None)
    gone = max(psutil.pids()) + 10_000
    assert not processes.alive(Running(gone, 0.0, "postgres"))


def test_a_log_that_grew_large_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LOG_LIMIT", 3)
    log = tmp_path / "a.log"
    log.write_text("long enough")
    processes.rotate(log)
    assert not log.exists()
    assert (tmp_path / "a.log.1").read_text() == "long enough"
