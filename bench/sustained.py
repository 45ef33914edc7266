"""As much as two cores carry: a thousand orders a second, and the books afterwards."""

from datetime import timedelta

from bench import journey
from bench.report import Report
from dashboard.imbalance import find_imbalance, imbalance

RATE, SECONDS = 1_000, 15


def measure(report: Report) -> None:
    """T18, with Meta 80 ms away."""
    journey.prepare()
    run = journey.travel(rate=RATE, seconds=SECONDS, delay=0.08, web_processes=2, connections=64)
    report.at_least("T18", "orders a second, webhook to Meta", run.rate, RATE * 0.95, "/s")
    report.at_most(
        "T18", f"webhook to Meta at {RATE}/s, p99", journey.at(run.late, 0.99) * 1e3, 700, "ms"
    )
    report.at_most("T18", "orders lost", run.lost, 0, "")
    report.at_most("T18", "orders sent twice", run.twice, 0, "")
    found = imbalance(find_imbalance(span=timedelta(hours=1)))
    report.at_most("T18", "what must never be in the ledger", found, 0, "")
