"""A reading that is bounded says so when it was cut off."""

import pytest

from tarry_dev.cli.progress import bounded_reading


def test_a_reading_within_the_bound_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with bounded_reading(3) as on_page:
        assert [on_page(page) for page in (1, 2)] == [True, True]
    assert capsys.readouterr() == ("", "")


def test_a_reading_that_was_cut_off_says_so_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with bounded_reading(3) as on_page:
        assert [on_page(page) for page in (1, 2, 3)] == [True, True, False]
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("note: the table is large: the command stopped after 3 MB")
    assert "give a NAME" in err
