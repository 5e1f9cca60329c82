"""Python's garbage collector in a command: it rests while the command loads, and then works as Python has it."""

import gc
import subprocess
import sys

from tarry_dev.cli.collector import settle

_CODE = """
import atexit, gc

usual = gc.get_threshold()
atexit.register(lambda: print(gc.get_freeze_count() > 0))  # what is registered first comes last
from tarry_dev.cli.collector import begin, settle

begin()
rare = gc.get_threshold()
assert rare[0] > 10 * usual[0] and rare[1:] == usual[1:] and gc.isenabled()
"""

_SERVES = """
settle()
assert gc.get_threshold() == usual and gc.isenabled()
assert gc.get_freeze_count() > 1_000
gc.unfreeze()
"""


def _at_exit(code: str) -> str:
    """Whether anything is frozen when the process ends."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_command_looks_rarely_for_garbage_and_not_at_its_end() -> None:
    assert _at_exit(_CODE) == "True"


def test_what_serves_looks_for_garbage_as_python_does_except_in_what_it_has_loaded() -> None:
    assert _at_exit(_CODE + _SERVES) == "False", "an object of your code that is closed by the collector stays open"


def test_a_command_that_queries_in_sql_ends_without_a_word() -> None:
    """DuckDB writes pages about each object that is frozen at the end."""
    code = "import duckdb\nprint(duckdb.connect().execute('select 1').fetchall())"
    ended = subprocess.run([sys.executable, "-c", _CODE + code], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("[(1,)]\nFalse\n", "")


def test_in_a_process_that_is_not_the_commands_nothing_changes() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    settle()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
