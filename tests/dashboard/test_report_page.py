"""The month's report: the ledger's numbers, on the page and in a PDF, for whoever may see the store."""

from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from dashboard.models import Alert
from tests import factories
from tests.dashboard.reading import texts

NOW = timezone.now()


def sold(acme: SimpleNamespace, **states: int) -> None:
    for state, count in states.items():
        for number in range(count):
            accepted = {"accepted_at": NOW} if state == "accepted" else {}
            factories.an_event(
                acme.lyon,
                acme.pixel,
                order_id=f"{state}-{number}",
                state=state,
                event_time=NOW,
                **accepted,
            )


def test_it_says_how_much_of_what_was_due_is_at_meta(owner: Client, acme: SimpleNamespace) -> None:
    sold(acme, accepted=8, rejected=1, pending=1, skipped=3)

    answer = owner.get(f"/stores/{acme.lyon.pk}/report/")

    report = answer.context["report"]
    assert "8 of the 10 events that were due are at Meta: 80 %." in texts(answer, "p", "lead")
    assert (report.lines[0].due, report.lines[0].there, report.lines[0].percent) == (10, 8, 80)
    assert "3 were not to be reported" in report.not_due


def test_its_numbers_are_the_ledgers(owner: Client, acme: SimpleNamespace) -> None:
    sold(acme, accepted=4, expired=2)
    counts = dict(owner.get(f"/stores/{acme.lyon.pk}/orders/").context["chips"])

    report = owner.get(f"/stores/{acme.lyon.pk}/report/").context["report"]

    assert report.lines[0].there == counts["accepted"]
    assert report.lines[0].due == counts["accepted"] + counts["expired"]


def test_another_month_is_another_report_and_a_made_up_one_is_this_months(
    owner: Client, acme: SimpleNamespace
) -> None:
    sold(acme, accepted=1)
    before = (NOW.replace(day=1) - timedelta(days=1)).strftime("%Y-%m")

    earlier = owner.get(f"/stores/{acme.lyon.pk}/report/?month={before}").context["report"]
    made_up = owner.get(f"/stores/{acme.lyon.pk}/report/?month=2026-99").context["report"]

    assert earlier.sentence == "Nothing was due in this month."
    assert len(made_up.lines) == 1


def test_what_went_wrong_stands_in_it(owner: Client, acme: SimpleNamespace) -> None:
    Alert.objects.create(
        workspace=acme.workspace,
        cause="flow_stopped",
        level="high",
        store=acme.lyon,
        opened_at=NOW - timedelta(minutes=5),
        seen_at=NOW,
    )
    answer = owner.get(f"/stores/{acme.lyon.pk}/report/")

    assert acme.lyon.name in answer.context["report"].incidents[0].what
    assert "still open" in answer.content.decode()


def test_the_pdf_is_the_same_report_with_its_own_letters(
    owner: Client, acme: SimpleNamespace
) -> None:
    acme.lyon.name = "Zoé Ł Ω"
    acme.lyon.save()
    sold(acme, accepted=3)

    answer = owner.get(f"/stores/{acme.lyon.pk}/report/?format=pdf")

    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith('attachment; filename="lyon-')
    assert answer.content.startswith(b"%PDF-")
    assert "Zoé Ł Ω" in letters(answer.content)
    assert "Whatever was due, 3 events, is at Meta." in letters(answer.content)


def letters(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)


def test_a_client_reads_it_and_a_stranger_finds_nothing(
    client: Client, acme: SimpleNamespace
) -> None:
    client.force_login(factories.a_member(acme.workspace, "rita", role="client"))
    seen = client.get(f"/stores/{acme.lyon.pk}/report/?format=pdf").status_code
    client.force_login(factories.a_user("mallory"))

    assert seen == 200
    assert client.get(f"/stores/{acme.lyon.pk}/report/?format=pdf").status_code == 404


@pytest.mark.parametrize("month", ["", "2026-10", "x" * 400])
def test_an_empty_store_has_a_report(owner: Client, acme: SimpleNamespace, month: str) -> None:
    answer = owner.get(f"/stores/{acme.lyon.pk}/report/?month={month}&format=pdf")

    assert answer.content.startswith(b"%PDF-")
