"""What `make acceptance` says before it begins, and which stacks it touches."""

import re

import pytest

from tarry.errors import UsageError
from tests.e2e.acceptance import main
from tests.e2e.cloud import ATHENA, CRON, Cloud
from tests.e2e.deployment import TAG
from tests.e2e.price import AT_MOST, PAGE, price_of
from tests.e2e.remains import Standing, standing_of
from tests.unit.repository import ROOT

TEXT = PAGE.read_text()
KEYS = {"AWS_ACCESS_KEY_ID": "1", "AWS_SECRET_ACCESS_KEY": "s"}
REGION = {"AWS_REGION": "eu-west-1"}


def tagged(**tags: str) -> dict[str, object]:
    return {"StackName": "trial", "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def test_only_a_stack_with_the_tag_of_its_own_name_is_ours() -> None:
    assert standing_of(None, "trial") is Standing.ABSENT
    assert standing_of(tagged(**{TAG: "trial"}), "trial") is Standing.OURS
    assert standing_of(tagged(**{TAG: "another"}), "trial") is Standing.FOREIGN
    assert standing_of(tagged(team="shop"), "trial") is Standing.FOREIGN
    assert standing_of({"StackName": "trial"}, "trial") is Standing.FOREIGN


def test_the_price_is_counted_from_the_rows_of_the_cost_page() -> None:
    price = price_of(TEXT)
    [alone] = re.findall(r"^\| runs started \|.*\| ([\d.]+) \| [\d.]+ \|$", TEXT, re.MULTILINE)
    dearer = price_of(re.sub(r"(?m)^\| runs started \|.*$", f"| runs started | {float(alone) + 1_000} | 0 |", TEXT))
    assert dearer.use - price.use == pytest.approx(AT_MOST["runs started"] / 1_000)
    assert price.dashboard < price.at_most < 2 * price.dashboard
    assert f"at most {price.at_most:.2f} USD" in (ROOT / "docs/acceptance.md").read_text()


@pytest.mark.parametrize("name", AT_MOST)
def test_a_price_whose_row_is_gone_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        price_of(TEXT.replace(f"| {name}", "| something else"))


def test_a_real_account_lacks_nothing_and_ministack_names_what_it_lacks() -> None:
    real = Cloud.of({**KEYS, **REGION})
    emulated = Cloud.of({**KEYS, **REGION, "AWS_ENDPOINT_URL": "https://localhost:1"})
    assert (dict(real.lacks), real.substitutes) == ({}, ())
    assert set(emulated.lacks) == {ATHENA, CRON}
    assert real.function_url("https://x.lambda-url.eu-west-1.on.aws/", "/runs/1") == (
        "https://x.lambda-url.eu-west-1.on.aws/runs/1"
    )
    assert emulated.function_url("https://x.lambda-url.eu-west-1.on.aws/", "/runs/1") == (
        "https://localhost:1/_aws/lambda-url/x/runs/1"
    )


def test_the_region_of_the_aws_cli_is_used_and_variables_of_tarry_stay_out() -> None:
    cloud = Cloud.of({**KEYS, **REGION, "TARRY_TABLE": "t", "PATH": "p"})
    assert cloud.region == "eu-west-1"
    assert cloud.environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert "TARRY_TABLE" not in cloud.environment
    assert cloud.environment["PATH"] == "p"


def test_without_a_region_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    with pytest.raises(UsageError, match="AWS_REGION"):
        Cloud.of(KEYS)


@pytest.mark.parametrize("name", ["Shop", "1a", "a_b", "x" * 41, ""])
def test_a_name_that_no_stack_and_no_app_can_have_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, value in {**KEYS, **REGION}.items():
        monkeypatch.setenv(variable, value)
    assert main([name]) == 2
    assert f"STACK={name}: give 1 to 40" in capsys.readouterr().err
