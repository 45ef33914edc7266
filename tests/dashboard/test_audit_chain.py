"""The audit chain: nothing in it can be changed, dropped or moved unseen, and it is checked offline."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from dashboard.audit.chain import START, Broken, Verified, link, verify
from dashboard.audit.export import export
from dashboard.audit.sealing import broken_at, public_key, seal, sign_heads
from dashboard.models import AuditChain, AuditEntry, AuditKey, AuditSignature
from stores.models import Store
from tests import factories
from tests.pipeline import at_once

LATER = timedelta(minutes=10)  # when what is written now has settled


def sealed(*, days: float = 0) -> int:
    return seal(now=timezone.now() + LATER + timedelta(days=days))


def signed(*, days: float = 0) -> None:
    sign_heads(now=timezone.now() + LATER + timedelta(days=days))


def lines_of(acme: SimpleNamespace, **options: Any) -> list[bytes]:
    return list(export(acme.workspace, **options))


@pytest.fixture
def chain(acme: SimpleNamespace) -> list[bytes]:
    """Acme's settings, three orders that ended, a signature, and one order more."""
    for state in ("accepted", "rejected", "skipped"):
        factories.an_event(
            acme.lyon, acme.pixel, state=state, reason="" if state == "accepted" else "x"
        )
    sealed()
    signed()
    factories.an_event(acme.lyon, acme.pixel)
    sealed()
    return lines_of(acme)


def entries(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(text) for line in lines if (text := json.loads(line).get("text"))]


def test_settings_and_ends_are_in_it_and_it_holds(
    chain: list[bytes], acme: SimpleNamespace
) -> None:
    found = verify(chain)

    told = entries(chain)
    assert [each["state"] for each in told if each["what"] == "ended"] == [
        "accepted",
        "rejected",
        "skipped",
        "accepted",
    ]
    assert {each["kind"] for each in told if each["what"] == "changed"} == {
        "stores_store",
        "stores_pixel",
        "stores_pixelmapping",
    }
    assert (found.workspace, found.entries, found.signatures) == ("acme", len(told), 1)
    assert found.signed_up_to == len(told) - 1
    assert found.public_key == public_key()


def test_what_has_not_ended_or_not_settled_is_not_in_it(acme: SimpleNamespace) -> None:
    sealed()
    factories.an_event(acme.lyon, acme.pixel, state="pending")
    factories.an_event(acme.lyon, acme.pixel)

    assert seal(now=timezone.now()) == 0
    assert sealed() == 1


def test_nothing_is_sealed_twice_by_many_workers(acme: SimpleNamespace) -> None:
    for _number in range(3):
        factories.an_event(acme.lyon, acme.pixel)

    at_once([sealed] * 4)
    while sealed():
        pass

    numbers = list(AuditEntry.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert len([each for each in entries(lines_of(acme)) if each["what"] == "ended"]) == 3
    assert isinstance(verify(lines_of(acme)), Verified)


def changed(lines: list[bytes], place: int, **fields: Any) -> list[bytes]:
    line = json.loads(lines[place]) | fields
    return [*lines[:place], json.dumps(line).encode(), *lines[place + 1 :]]


@pytest.mark.parametrize("place", [1, 3, -1])
def test_one_changed_byte_is_noticed_at_its_line(chain: list[bytes], place: int) -> None:
    place %= len(chain)
    text = json.loads(chain[place])["text"].replace("20", "21", 1)

    with pytest.raises(Broken, match=rf"^Line {place + 1}: entry .* was changed"):
        verify(changed(chain, place, text=text))


def test_a_row_that_is_dropped_is_noticed_where_it_was(chain: list[bytes]) -> None:
    with pytest.raises(Broken, match=r"^Line 3: entry 2 is missing; 3 is here"):
        verify([*chain[:2], *chain[3:]])


def test_two_rows_that_changed_places_are_noticed(chain: list[bytes]) -> None:
    with pytest.raises(Broken, match=r"^Line 3: entry 2 is missing"):
        verify([*chain[:2], chain[3], chain[2], *chain[4:]])


def test_a_history_that_was_written_anew_lacks_the_signature(
    chain: list[bytes], acme: SimpleNamespace
) -> None:
    place = next(number for number, line in enumerate(chain) if json.loads(line).get("signature"))
    forged, before = [chain[0]], START
    for line in chain[1:place]:
        entry = json.loads(line)
        entry["text"] = entry["text"].replace("rejected", "accepted")
        entry["hash"] = before = link(before, entry["text"])
        forged.append(json.dumps(entry).encode())

    assert verify(forged).signatures == 0
    with pytest.raises(Broken, match=r"the signature is of entry"):
        verify([*forged, chain[place]])
    moved = json.loads(chain[place]) | {"hash": before}
    with pytest.raises(Broken, match=r"the signature of entry .* is not valid"):
        verify([*forged, json.dumps(moved).encode()])


@pytest.mark.parametrize(
    "file",
    [
        b"",
        b"{}",
        b"hello",
        b"\xff\xfe",
        b'{"format":"other","workspace":"x","public_key":"","begins_after":0,"hash":""}',
    ],
)
def test_what_is_no_chain_is_refused_in_words(file: bytes) -> None:
    with pytest.raises(Broken):
        verify(file.splitlines())


def test_a_head_is_signed_once_a_day_and_only_when_it_has_grown(acme: SimpleNamespace) -> None:
    sealed()
    signed()
    signed()
    signed(days=2)
    assert AuditSignature.objects.count() == 1

    factories.an_event(acme.lyon, acme.pixel)
    sealed(days=2)
    signed(days=2)
    assert AuditSignature.objects.count() == 2
    assert verify(lines_of(acme)).signatures == 2


@pytest.mark.parametrize(
    "harm",
    [
        lambda entries: entries.filter(number=2).update(text='{"what":"nothing"}'),
        lambda entries: entries.filter(number=2).delete(),
        lambda entries: entries.order_by("-number").first().delete(),
    ],
)
def test_what_was_changed_since_is_never_signed_and_is_told(
    acme: SimpleNamespace, caplog: pytest.LogCaptureFixture, harm: Any
) -> None:
    factories.an_event(acme.lyon, acme.pixel)
    sealed()
    chain = AuditChain.objects.get()
    assert broken_at(chain) == 0

    harm(AuditEntry.objects.filter(chain=chain))
    signed()

    assert not AuditSignature.objects.exists()
    assert broken_at(chain) in (2, chain.length)
    assert "audit.broken" in caplog.text


def test_an_export_goes_on_from_an_earlier_one(chain: list[bytes], acme: SimpleNamespace) -> None:
    rest = lines_of(acme, after=2)

    assert verify(rest).entries == verify(chain).entries - 2
    assert verify(rest).head == verify(chain).head


def test_each_workspace_has_a_chain_of_its_own(acme: SimpleNamespace) -> None:
    other = factories.a_workspace("other")
    factories.a_store(other)
    sealed()

    assert {each["row"] for each in entries(list(export(other)))} == {
        Store.objects.get(workspace=other).pk
    }


def test_the_key_is_made_once_and_sealed(acme: SimpleNamespace) -> None:
    keys = at_once([public_key] * 4)

    assert len(set(keys)) == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT private FROM dashboard_auditkey")
        (kept,) = cursor.fetchone()
    assert str(AuditKey.objects.get().private).encode() not in bytes(kept)


# The commands


def test_an_exported_chain_is_verified_by_command(
    chain: list[bytes], acme: SimpleNamespace, tmp_path: Path
) -> None:
    call_command("audit_export", workspace="acme", stdout=(printed := io.StringIO()))
    file = tmp_path / "chain.jsonl"
    file.write_text(printed.getvalue())

    call_command("audit_verify", str(file), stdout=(said := io.StringIO()))
    call_command("audit_verify", str(file), "--json", stdout=(told := io.StringIO()))

    assert said.getvalue().startswith("The chain of acme holds: ")
    assert json.loads(told.getvalue())["public_key"] == public_key()


def test_a_broken_chain_ends_with_1_and_another_key_too(
    chain: list[bytes], acme: SimpleNamespace, tmp_path: Path
) -> None:
    file = tmp_path / "chain.jsonl"
    file.write_bytes(b"\n".join([*chain[:2], *chain[3:]]))
    with pytest.raises(CommandError, match="entry 2 is missing") as broken:
        call_command("audit_verify", str(file))
    assert broken.value.returncode == 1

    file.write_bytes(b"\n".join(chain))
    with pytest.raises(CommandError, match="signed by another key"):
        call_command("audit_verify", str(file), key="00" * 32)


def test_bad_usage_ends_with_2(acme: SimpleNamespace, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read") as missing:
        call_command("audit_verify", str(tmp_path / "none.jsonl"))
    assert missing.value.returncode == 2

    with pytest.raises(CommandError) as nobody:
        call_command("audit_export", workspace="nobody")
    assert nobody.value.returncode == 2


def test_moments_are_utc(chain: list[bytes]) -> None:
    at = datetime.fromisoformat(entries(chain)[0]["at"])

    assert at.astimezone(UTC).utcoffset() == at.utcoffset()
