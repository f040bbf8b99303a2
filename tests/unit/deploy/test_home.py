"""What is kept between two commands survives crashes and stays apart from other checkouts."""

import stat
from pathlib import Path

from deploy.local import processes
from deploy.local.home import Home, make_folder
from deploy.local.processes import Running


def opened(folder: Path) -> Home:
    make_folder(folder)
    return Home(folder)


def test_a_port_is_kept_over_restarts(tmp_path: Path) -> None:
    port = opened(tmp_path).port("kafka")
    assert opened(tmp_path).port("kafka") == port


def test_two_ports_of_one_checkout_differ(tmp_path: Path) -> None:
    home = opened(tmp_path)
    assert len({home.port(name) for name in "abcdef"}) == 6


def test_two_checkouts_begin_at_different_ports(tmp_path: Path) -> None:
    assert opened(tmp_path / "a").port("kafka") != opened(tmp_path / "b").port("kafka")


def test_a_preferred_port_is_taken_when_it_is_free(tmp_path: Path) -> None:
    home = opened(tmp_path)
    free = processes.free_port(5, [])
    assert home.port("cases", preferred=free) == free
    assert home.port("intake", preferred=free) != free


def test_a_password_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    home = opened(tmp_path)
    assert home.secret("postgres") == opened(tmp_path).secret("postgres")
    assert len(home.secret("postgres")) >= 20
    assert stat.S_IMODE(home.file.stat().st_mode) == 0o600


def test_a_state_file_cut_off_by_a_crash_counts_as_empty(tmp_path: Path) -> None:
    home = opened(tmp_path)
    home.port("kafka")
    home.file.write_text(home.file.read_text()[:7])
    assert home.values("ports") == {}
    assert home.port("kafka") in processes.PORTS


def test_a_process_is_remembered_and_forgotten(tmp_path: Path) -> None:
    home = opened(tmp_path)
    process = Running(1, 2.5, "java")
    home.keep_process("kafka", process)
    assert Home(tmp_path).process("kafka") == process
    home.keep_process("kafka", None)
    assert home.process("kafka") is None


def test_folders_can_be_walked_through_by_others_whatever_the_umask(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    made = tmp_path / "a" / "b"
    make_folder(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o755
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700  # it was there before and is not ours to change
