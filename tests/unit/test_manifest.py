"""What the Lambdas that run no function know of the app."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tarry import App, Cancel, Concurrency, Context, TriggerCron, TriggerEvent
from tarry_backend.deploy.function_facts import FunctionFacts, read_facts, write_facts
from tarry_backend.deploy.manifest import FORMAT, HostedManifest, Manifest, ManifestError

SPEC = "shop:app"


async def handler(ctx: Context) -> None:
    pass


def shop(idempotency: str | None = None) -> App:
    app = App("shop")
    triggers: list[TriggerEvent | TriggerCron] = [TriggerEvent("a/*"), TriggerEvent("b", "event.data.n > 1")]
    app.create_function(
        fn_id="order", trigger=[*triggers, TriggerCron("0 9 * * *")], cancel=Cancel(event="c"), idempotency=idempotency
    )(handler)
    return app


def test_it_has_what_matcher_and_api_ask_of_an_app() -> None:
    manifest = Manifest.parse(Manifest.of(shop(idempotency="event.data.id")).text(SPEC), SPEC)
    order = manifest.functions["order"]
    assert (manifest.id, order.id, order.idempotency) == ("shop", "order", "event.data.id")
    assert [(each.event, each.expression) for each in order.event_triggers] == [
        ("a/*", None),
        ("b", "event.data.n > 1"),
    ]
    assert order.event_triggers[0].names("a/x")
    assert not order.event_triggers[1].names("b/x")
    assert order.cancels == ("c",)
    assert manifest.facts == (order,)


def test_its_digest_tells_two_apps_apart_that_declare_different_things() -> None:
    assert Manifest.of(shop()).digest == Manifest.of(shop()).digest
    assert Manifest.of(shop()).digest != Manifest.of(shop(idempotency="event.data.id")).digest


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": FORMAT + 1}, "its format is"),
        ({"app": "other:app"}, "it is of app 'other:app'"),
        ({"digest": "0"}, "its digest is not"),
        ({"declares": ["shop", []]}, "its digest is not"),
        ({"declares": 3}, "it is damaged"),
    ],
)
def test_one_that_is_not_this_apps_or_not_whole_is_refused(change: dict[str, object], why: str) -> None:
    document = json.loads(Manifest.of(shop()).text(SPEC)) | change
    with pytest.raises(ManifestError, match=why):
        Manifest.parse(json.dumps(document), SPEC)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"null", b"\xff"])
def test_a_file_that_is_no_manifest_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(content)
    with pytest.raises(ManifestError):
        Manifest.read(path, SPEC)
    with pytest.raises(ManifestError, match="cannot be read"):
        Manifest.read(tmp_path / "missing", SPEC)


def test_an_embedded_cloud_knows_a_function_that_is_created_later() -> None:
    app = shop()
    manifest = HostedManifest(app, SPEC)
    assert list(manifest.functions) == ["order"]
    assert manifest.functions is manifest.functions
    app.create_function(fn_id="later", trigger=TriggerEvent("d"))(handler)
    assert list(manifest.functions) == ["order", "later"]
    assert [each.id for each in manifest.facts] == ["order", "later"]


def test_another_dialect_of_expressions_goes_through_it_and_tarrys_own_adds_nothing() -> None:
    own = FunctionFacts("order", 5, limits=(Concurrency(2),))
    other = replace(own, dialect="inngest")
    for facts in (own, other):
        manifest = Manifest.parse(Manifest("shop", {"order": facts}).text(SPEC), SPEC)
        assert manifest.functions["order"] == facts
        assert read_facts(write_facts([facts])) == (facts,)
    assert "dialect" not in Manifest("shop", {"order": own}).text(SPEC)
    assert write_facts([own]) == '[["order",5,[],[],[2,null,"fn","work"]]]'
