"""Commands whose output, or whose files, cannot be written: one line, exit code 1, and nothing half-written."""

import subprocess
import sys
from pathlib import Path

import pytest

from tarry.errors import UsageError
from tarry_dev.cli.output import failure_of_file
from tarry_dev.cloud.audit import Audit
from tarry_dev.cloud.clock import MovedClock
from tarry_dev.cloud.disk import Disk
from tarry_dev.init.project import Project

TARRY = [sys.executable, "-m", "tarry_dev.cli"]
LARGE = """
from tarry_dev.cli.output import writable_output
from tarry_dev.cli.screen import print_json, screen
with writable_output():
    print_json({"runs": ["x" * 1000] * 10_000}) if %r else [screen().print("ä" * 90) for _ in range(50_000)]
"""

full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")


def run(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60)


@full_disk
@pytest.mark.parametrize("arguments", ["--help", "--version", "runs --help"])
def test_a_full_disk_behind_the_output_is_one_line_and_exit_code_1(arguments: str) -> None:
    done = run(f"{' '.join(TARRY)} {arguments} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: No space left on device\n")


@full_disk
@pytest.mark.parametrize("as_json", [True, False])
def test_a_full_disk_behind_a_large_answer_is_one_line(tmp_path: Path, as_json: bool) -> None:
    script = tmp_path / "large.py"
    script.write_text(LARGE % as_json)
    done = run(f"{sys.executable} {script} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_answer_that_a_full_disk_cuts_off_is_no_success(tmp_path: Path, unbuffered: str) -> None:
    script = tmp_path / "large.py"
    script.write_text(LARGE % True)
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
    start = f"{limit} import runpy; runpy.run_path('{script}')"
    done = run(f'PYTHONUNBUFFERED={unbuffered} {sys.executable} -B -c "{start}" > {tmp_path}/answer.json')
    assert (done.returncode, done.stderr) == (1, "error: the output cannot be written: File too large\n")


@full_disk
def test_a_full_disk_behind_both_streams_ends_quietly() -> None:
    done = run(f"{' '.join(TARRY)} --version > /dev/full 2> /dev/full")
    assert (done.returncode, done.stderr) == (1, "")
    assert run(f"{' '.join(TARRY)} runs 2> /dev/full").returncode == 1


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_reader_that_has_gone_ends_a_command_without_a_word(tmp_path: Path, as_json: bool, unbuffered: str) -> None:
    script = tmp_path / "large.py"
    script.write_text(LARGE % as_json)
    done = run(f"PYTHONUNBUFFERED={unbuffered} {sys.executable} {script} | head -1 > /dev/null")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_stream_that_the_caller_closed_does_no_harm(tmp_path: Path, closed: str) -> None:
    script = tmp_path / "small.py"
    script.write_text(LARGE.replace("0_000", "") % True)
    done = run(f"{sys.executable} {script} {closed}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_character_that_the_terminal_lacks_is_a_question_mark(tmp_path: Path, as_json: bool) -> None:
    script = tmp_path / "small.py"
    script.write_text(LARGE.replace("0_000", "").replace("x", "ä") % as_json)
    done = run(f"LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PYTHONIOENCODING=ascii {sys.executable} {script}")
    assert (done.returncode, done.stderr, "??" in done.stdout) == (0, "", True)


def test_an_error_that_names_a_file_says_which() -> None:
    with pytest.raises(OSError, match="No such file") as raised:
        Path("/nowhere/at/all").read_text("utf-8")
    assert failure_of_file(raised.value) == "/nowhere/at/all: No such file or directory"
    assert failure_of_file(OSError(28, "No space left on device")) is None


@full_disk
def test_what_keeps_the_runs_of_tarry_dev_says_that_the_disk_is_full_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    disk = Disk(tmp_path / "runs.db")
    disk._connection.execute("pragma max_page_count = 20")
    large = {f'"{place}"': {"text": {"S": "x" * 4_000}} for place in range(40)}
    with pytest.raises(
        UsageError, match=r"runs.db, which keeps the runs .* cannot be written: database or disk is full"
    ):
        disk.commit(large, {}, {})
    assert list(disk.items()) == [], "all of it, or nothing"
    disk._connection.execute("pragma max_page_count = 1000")
    disk.commit(large, {}, {})
    assert len(list(disk.items())) == 40
    disk.close()


def test_an_audit_trail_that_cannot_be_written_leaves_no_half_of_a_file_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = Audit(tmp_path, MovedClock())
    audit.take({"id": "1", "detail-type": "a", "source": "b", "time": "2026-01-05T12:00:00Z", "detail": {}})

    def fail(file: Path, _: object) -> None:
        file.write_text("half", "utf-8")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tarry_dev.trail.write", fail)
        audit.try_flush()
        audit.try_flush()
    assert [*tmp_path.rglob("*.part"), *tmp_path.rglob("*.parquet")] == []
    assert [record.getMessage().rpartition(": ")[2] for record in caplog.records] == [
        "[Errno 28] No space left on device"
    ]
    audit.try_flush()
    assert len([*tmp_path.rglob("*.parquet")]) == 1, "what could not be written was kept"


def test_a_project_is_made_as_a_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, written = Path.write_text, []

    def fail_at_the_fifth(path: Path, *arguments: str) -> int:
        written.append(path)
        if len(written) == 5:
            Path.touch(path)
            raise OSError(28, "No space left on device", str(path))
        return write(path, *arguments)

    monkeypatch.setattr(Path, "write_text", fail_at_the_fifth)
    with pytest.raises(OSError, match="No space left"):
        Project.at(tmp_path / "deep" / "my_shop").write()
    assert list(tmp_path.iterdir()) == []
