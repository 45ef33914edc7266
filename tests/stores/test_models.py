"""Who: what the database itself guarantees about workspaces, stores, pixels and mappings."""

from types import SimpleNamespace

import pytest
from django.db import IntegrityError

from purchases.mapping import RulesError
from stores.models import MappingTemplate, Membership, Pixel, PixelMapping, Store, User
from tests.factories import a_mapping, a_member, a_pixel, a_store, a_user, a_workspace


class TestUsers:
    def test_an_address_is_known_in_whatever_case_it_is_typed(self, db: None) -> None:
        user = User.objects.create_user("Zoe@Example.com", "correct horse battery")

        assert user.email == "zoe@example.com"
        assert User.objects.get_by_natural_key("ZOE@example.com") == user

    def test_a_user_without_a_password_cannot_log_in(self, db: None) -> None:
        assert User.objects.create_user("zoe@example.com").has_usable_password() is False


class TestVisibility:
    def test_a_member_sees_the_rows_of_the_workspace(self, db: None) -> None:
        workspace = a_workspace()
        alice, bob = a_member(workspace), a_member(workspace, "bob", role="client")
        store, pixel = a_store(workspace), a_pixel(workspace)
        mapping = a_mapping(store, pixel)

        for user in (alice, bob):
            assert list(Store.objects.visible_to(user)) == [store]
            assert list(Pixel.objects.visible_to(user)) == [pixel]
            assert list(PixelMapping.objects.visible_to(user)) == [mapping]

    def test_a_stranger_sees_nothing(self, db: None) -> None:
        workspace = a_workspace()
        a_mapping(a_store(workspace), a_pixel(workspace))
        charlie = a_member(a_workspace("charlies"), "charlie")

        for rows in (Store.objects, Pixel.objects, PixelMapping.objects):
            assert list(rows.visible_to(charlie)) == []

    def test_nobody_in_particular_sees_nothing(self, db: None) -> None:
        from django.contrib.auth.models import AnonymousUser

        a_store(a_workspace())

        assert list(Store.objects.visible_to(AnonymousUser())) == []


class TestConstraints:
    def test_a_member_has_one_role(self, db: None) -> None:
        workspace = a_workspace()
        a_member(workspace)

        with pytest.raises(IntegrityError):
            Membership.objects.create(workspace=workspace, user=a_user(), role="client")

    def test_a_stores_key_is_its_own_in_the_workspace_only(self, db: None) -> None:
        workspace = a_workspace()
        a_store(workspace, key="lyon")
        a_store(a_workspace("other"), key="lyon", domain="other.myshopify.com")

        with pytest.raises(IntegrityError):
            a_store(workspace, key="lyon", domain="third.myshopify.com")

    def test_a_shopify_shop_leads_to_one_connected_store(self, db: None) -> None:
        a_store(a_workspace(), key="lyon", connected=False)
        a_store(a_workspace("second"), key="lyon")

        with pytest.raises(IntegrityError):
            a_store(a_workspace("third"), key="lyon")

    def test_two_woocommerce_stores_may_share_a_host(self, db: None) -> None:
        workspace = a_workspace()
        for key in ("fr", "de"):
            a_store(workspace, key=key, platform="woocommerce", domain="kitchen.example")

        assert workspace.stores.count() == 2

    def test_a_pixel_is_once_in_a_workspace(self, db: None) -> None:
        workspace = a_workspace()
        a_pixel(workspace, pixel_id="123")

        with pytest.raises(IntegrityError):
            a_pixel(workspace, pixel_id="123")


class TestStores:
    def test_each_has_an_address_and_a_key_that_nobody_can_guess(
        self, acme: SimpleNamespace
    ) -> None:
        tokens = {acme.lyon.webhook_token, acme.kitchen.webhook_token}
        keys = {bytes(acme.lyon.sealed_key), bytes(acme.kitchen.sealed_key)}

        assert (len(tokens), len(keys)) == (2, 2)
        assert {len(token) for token in tokens} == {43}

    def test_it_knows_where_its_shop_delivers(self, acme: SimpleNamespace) -> None:
        assert acme.lyon.webhook_path == "/webhooks/shopify/"
        assert acme.kitchen.webhook_path == f"/webhooks/woocommerce/{acme.kitchen.webhook_token}/"


class TestRules:
    def test_a_mapping_overrules_its_template_key_by_key(self, db: None) -> None:
        workspace = a_workspace()
        template = MappingTemplate.objects.create(
            workspace=workspace, name="t", settings={"trigger": "created", "value": "subtotal"}
        )
        mapping = a_mapping(
            a_store(workspace), a_pixel(workspace), template=template, settings={"value": "total"}
        )

        rules = mapping.rules()

        assert (rules.trigger, rules.value) == ("created", "total")

    def test_what_cannot_be_meant_is_named(self, db: None) -> None:
        workspace = a_workspace()
        mapping = a_mapping(
            a_store(workspace), a_pixel(workspace), settings={"trigger": "on a whim"}
        )

        with pytest.raises(RulesError) as raised:
            mapping.rules()

        assert raised.value.key == "trigger"
