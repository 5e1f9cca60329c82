"""An app on the embedded cloud, whole: what is proved here is the contract, across all the handlers."""

from collections.abc import Iterator

import pytest

from tarry import App
from tarry_dev.cloud import Cloud, Host
from tarry_dev.pytest_plugin import MakeHost
from tests.functional.contract.diary import Diary
from tests.functional.contract.permissions import violations


@pytest.fixture(autouse=True)
def roles() -> Iterator[None]:
    """No Lambda asks of the table or the bucket what its role does not allow."""
    violations.clear()
    yield
    assert violations == []


@pytest.fixture
def app() -> App:
    return App("shop")


@pytest.fixture
def host(tarry: MakeHost, app: App) -> Host:
    """The app, hosted: a function that a test adds later is there as well. Its time is as late as on AWS."""
    return tarry(app, punctual=False)


@pytest.fixture
def cloud(host: Host) -> Cloud:
    return host.cloud


@pytest.fixture
def unchecked(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions are created as in a Lambda, which compiles no expression: a newer release may refuse what is there."""
    assert host.cloud is not None  # it takes such variables away as it opens
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "executor")


@pytest.fixture
def diary() -> Diary:
    return Diary()
