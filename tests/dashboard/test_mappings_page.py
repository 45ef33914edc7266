"""The mappings on screen: told in words, changed by a form that refuses what cannot be meant."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from conversions.models import ConversionEvent
from dashboard.mapping_form import MappingForm, canonical
from purchases.mapping import Rules, read_rules
from sandbox.graph_api import GraphApi
from stores.models import MappingTemplate, Pixel, PixelMapping, Workspace
from tests import factories
from tests.dashboard.reading import texts
from tests.pipeline import a_kept_order, an_order, read_all, send_all


@pytest.fixture
def mapping(acme: SimpleNamespace) -> PixelMapping:
    return acme.lyon.mappings.get()


def a_template(workspace: Workspace, *, settings: dict[str, Any]) -> MappingTemplate:
    return MappingTemplate.objects.create(workspace=workspace, name="shared", settings=settings)


def form_of(mapping: PixelMapping, **changes: Any) -> dict[str, Any]:
    """What a browser would post of the form as it is shown, with the changes of a person."""
    form = MappingForm(pixels=Pixel.objects.all(), mapping=mapping)
    shown: dict[str, Any] = {}
    for name in form.fields:
        value = form[name].value()
        if name == "pixel":
            value = mapping.pixel_id
        if hasattr(form.fields[name], "prepare_value"):
            value = form.fields[name].prepare_value(value)
        if value not in (None, False, [], ""):
            shown[name] = value
    return {name: value for name, value in (shown | changes).items() if value is not None}


def test_a_mapping_is_told_in_words(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    mapping.settings = {
        "trigger": "completed",
        "value": "net",
        "when": {"country": ["FR", "BE"], "min_value": "10"},
    }
    mapping.save()

    answer = owner.get(f"/stores/{acme.lyon.pk}/mappings/")

    words = texts(answer, "li")
    assert "Orders to FR, BE; of 10 or more." in words
    assert "Sent when all of it is shipped or handed over." in words
    assert "Value: Without tax and shipping." in words
    assert texts(answer, "p", "care") == [
        "Orders to other countries than BE, FR match no mapping.",
        "Orders below 10 match no mapping.",
    ]


def test_a_mapping_that_another_hides_is_said_to_be(owner: Client, acme: SimpleNamespace) -> None:
    factories.a_mapping(acme.lyon, acme.pixel, settings={"when": {"country": ["FR"]}})

    answer = owner.get(f"/stores/{acme.lyon.pk}/mappings/")

    assert texts(answer, "p", "bad") == [
        "It never matches: a mapping above takes all its orders to the same dataset."
    ]


def test_a_store_without_a_mapping_in_force_says_that_nothing_is_sent(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    owner.post(f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/change", {"do": "off"})

    answer = owner.get(f"/stores/{acme.lyon.pk}/mappings/")

    assert "No mapping is in force: nothing is sent to Meta." in texts(answer, "p", "care")


def test_the_form_saved_as_it_is_shown_changes_nothing(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    said = {
        "trigger": {"cod": "completed", "default": "paid"},
        "value": "net",
        "hold": "24h",
        "when": {"country": ["FR"], "source": ["web", "app"], "tag": ["vip"], "min_value": "10.5"},
        "skip": ["test"],
        "also_send": ["delivery_category"],
        "predicted_ltv": "2.5x",
    }
    mapping.settings = said
    mapping.save()

    answer = owner.post(f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/", form_of(mapping))

    assert answer.status_code == 302
    mapping.refresh_from_db()
    assert read_rules(mapping.settings) == read_rules(said)


def test_only_what_differs_from_its_template_is_stored(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    mapping.template = a_template(acme.workspace, settings={"value": "net"})
    mapping.settings = {}
    mapping.save()

    owner.post(
        f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/", form_of(mapping, trigger="completed")
    )

    mapping.refresh_from_db()
    assert mapping.settings == {"trigger": "completed"}
    assert mapping.rules().value == "net"


def test_what_the_form_says_overrules_the_template_back_to_the_default(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    mapping.template = a_template(
        acme.workspace, settings={"hold": "24h", "when": {"country": ["FR"]}}
    )
    mapping.save()

    owner.post(
        f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/", form_of(mapping, hold="", country="")
    )

    mapping.refresh_from_db()
    assert (mapping.rules().hold, mapping.rules().when.country) == (Rules().hold, ())


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("trigger", "payed"),
        ("event_id", "order"),
        ("content_id", "template:{nothing}"),
        ("country", "France"),
        ("min_value", "-1"),
        ("hold", "3 days"),
        ("predicted_ltv", "much"),
        ("event", "Not an event name, for it is far too long for Meta to take it as one"),
    ],
)
def test_what_cannot_be_meant_is_said_at_its_field(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping, field: str, typed: str
) -> None:
    before = dict(mapping.settings)

    answer = owner.post(
        f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/", form_of(mapping, **{field: typed})
    )

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert texts(answer, "p", "error")
    mapping.refresh_from_db()
    assert mapping.settings == before


def test_trying_a_change_says_what_it_would_have_changed_and_saves_nothing(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    a_kept_order(acme.lyon, an_order(1001))
    read_all()

    answer = owner.post(
        f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/",
        form_of(mapping, country="JP") | {"try": "1"},
    )

    (change,) = answer.context["difference"].changes
    assert (change.reported_before, change.reported_after, change.lost) == (1, 0, 1)
    assert "1 → 0" in texts(answer, "dd")[0]
    mapping.refresh_from_db()
    assert "when" not in mapping.settings


def test_a_new_mapping_stands_below_the_others(owner: Client, acme: SimpleNamespace) -> None:
    other = factories.a_pixel(acme.workspace, pixel_id="5555555555555")
    new = PixelMapping(store=acme.lyon, pixel=other, position=0)

    owner.post(f"/stores/{acme.lyon.pk}/mappings/new/", form_of(new, event="Subscribe"))

    last = acme.lyon.mappings.order_by("position").last()
    assert (last.pixel, last.event_name, last.position) == (other, "Subscribe", 1)


def test_mappings_change_places_and_leave_no_gap(owner: Client, acme: SimpleNamespace) -> None:
    first = acme.lyon.mappings.get()
    second, third = (factories.a_mapping(acme.lyon, acme.pixel) for _ in range(2))
    places = f"/stores/{acme.lyon.pk}/mappings/{{}}/change"

    owner.post(places.format(third.pk), {"do": "up"})
    owner.post(places.format(first.pk), {"do": "remove"})

    left = acme.lyon.mappings.order_by("position").values_list("pk", "position")
    assert list(left) == [(third.pk, 0), (second.pk, 1)]


def test_a_mapping_watches_first_and_then_sends_what_is_placed_from_the_cut_over_on(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping, meta: GraphApi
) -> None:
    """Orders straddle the moment: Meta is told of each at most once, and of none before it."""
    change = f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/change"
    owner.post(change, {"do": "watch"})
    a_kept_order(acme.lyon, an_order(1001, minutes_ago=30))
    a_kept_order(acme.lyon, an_order(1002, minutes_ago=20, financial_status="pending"))
    read_all()
    watched = ConversionEvent.objects.get(order_id="1001")

    owner.post(change, {"do": "live"})
    mapping.refresh_from_db()
    moment = mapping.rules().cut_over_at
    assert moment is not None
    assert timedelta(minutes=1) <= moment - datetime.now(UTC) <= timedelta(minutes=2)
    lately = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    # The moment has come and gone a quarter of an hour ago.
    mapping.settings["send_from"] = (datetime.now(UTC) - timedelta(minutes=15)).isoformat()
    mapping.save()
    a_kept_order(acme.lyon, an_order(1001, minutes_ago=30, updated_at=lately))
    a_kept_order(acme.lyon, an_order(1002, minutes_ago=20, updated_at=lately))
    a_kept_order(acme.lyon, an_order(1003, minutes_ago=10))
    read_all()
    send_all(meta)

    assert (watched.state, watched.reason, watched.event_id) == ("skipped", "watched", "")
    assert watched.identifiers
    assert watched.value
    ends = ConversionEvent.objects.order_by("order_id").values_list("order_id", "state", "reason")
    assert list(ends) == [
        ("1001", "skipped", "before_cut_over"),
        ("1002", "skipped", "before_cut_over"),
        ("1003", "accepted", ""),
    ]
    assert [event.event_id for event in meta.events()] == ["1003"]


def test_a_mapping_that_has_not_watched_goes_live_without_a_cut_over(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    mapping.enabled = False
    mapping.save()

    owner.post(f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/change", {"do": "live"})

    mapping.refresh_from_db()
    assert mapping.enabled
    assert mapping.rules().send_from == ""


def test_a_dataset_of_somebody_else_cannot_be_chosen(
    owner: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    theirs = factories.a_pixel(factories.a_workspace("elsewhere"), pixel_id="7777777777777")

    answer = owner.post(
        f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/", form_of(mapping, pixel=theirs.pk)
    )

    assert list(answer.context["form"].errors) == ["pixel"]


def test_who_may_only_read_cannot_change_a_mapping(
    client: Client, acme: SimpleNamespace, mapping: PixelMapping
) -> None:
    client.force_login(factories.a_member(acme.workspace, "reader", role="client"))
    place = f"/stores/{acme.lyon.pk}/mappings/"

    shown = client.get(place)

    assert texts(shown, "h2") == ["Purchase → Main"]
    assert texts(shown, "button") == ["Français", "Log out", "Copy"]
    assert client.get(f"{place}{mapping.pk}/").status_code == 404
    assert client.post(f"{place}{mapping.pk}/change", {"do": "remove"}).status_code == 404
    assert PixelMapping.objects.filter(pk=mapping.pk).exists()


def test_the_form_knows_every_rule(acme: SimpleNamespace) -> None:
    """But what it leaves as it is: a rule that is added must be asked, or be kept."""
    asked = set(canonical(Rules()))
    stores_own = {"consent", "browser_wait"}

    assert asked | stores_own | {"action_source", "whatsapp", "send_from"} == set(
        Rules.__struct_fields__
    )


class TestTheWorkedExample:
    """The value of the store's last order, as the mapping would tell it."""

    def example(self, owner: Client, acme: SimpleNamespace, **settings: Any) -> Any:
        mapping = factories.a_mapping(acme.lyon, acme.pixel, settings=settings)
        answer = owner.get(f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/")
        assert answer.status_code == 200
        return answer.context.get("example")

    def rows(self, example: Any) -> list[tuple[str, str]]:
        return [(what, amount.replace("\xa0", " ")) for what, amount in example.plot.table.rows]

    def an_order_comes(self, acme: SimpleNamespace, **changes: Any) -> None:
        taxed = {"total_price": "53.00", "total_tax": "3.00", "taxes_included": False}
        shipped = {"shipping_lines": [{"id": 1, "price": "7.50"}]}
        a_kept_order(acme.lyon, an_order(1001, **taxed | shipped | changes))
        read_all()

    def test_its_steps_lead_to_what_meta_is_told(
        self, owner: Client, acme: SimpleNamespace
    ) -> None:
        self.an_order_comes(acme)

        example = self.example(owner, acme, value="total_less_shipping")

        assert example.order_name == "#1001"
        assert self.rows(example) == [
            ("line 1, 11", "42.50 EUR"),
            ("shipping", "7.50 EUR"),
            ("tax", "3.00 EUR"),
            ("shipping", "-7.50 EUR"),
            ("Meta is told", "45.50 EUR"),
        ]
        assert [bar.css for bar in example.plot.bars] == ["waiting"] * 3 + ["lost", "accepted"]

    def test_many_lines_are_one_step(self, owner: Client, acme: SimpleNamespace) -> None:
        lines = [{"id": n, "variant_id": n, "quantity": 1, "price": "1.00"} for n in range(1, 13)]
        self.an_order_comes(acme, line_items=lines, total_price="12.00", total_tax="0.00")

        rows = self.rows(self.example(owner, acme))

        assert rows[0] == ("goods", "12.00 EUR")

    def test_without_the_costs_it_says_that_nothing_would_be_sent(
        self, owner: Client, acme: SimpleNamespace
    ) -> None:
        self.an_order_comes(acme)

        assert self.example(owner, acme, value="margin").plot is None

    def test_without_an_order_there_is_none(self, owner: Client, acme: SimpleNamespace) -> None:
        assert self.example(owner, acme) is None

    def test_trying_a_change_shows_it_by_the_rules_that_are_tried(
        self, owner: Client, acme: SimpleNamespace
    ) -> None:
        self.an_order_comes(acme)
        mapping = factories.a_mapping(acme.lyon, acme.pixel)

        answer = owner.post(
            f"/stores/{acme.lyon.pk}/mappings/{mapping.pk}/",
            form_of(mapping, value="subtotal") | {"try": "1"},
        )

        assert self.rows(answer.context["example"])[-1] == ("Meta is told", "42.50 EUR")
