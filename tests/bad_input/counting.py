"""`make badinput`: runs what carries a case of bad input, and counts the cases passed in each family."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pytest

from tests.bad_input.elsewhere import ELSEWHERE, NOT_OURS

FAMILIES = "HSIJVDWGUTOAXPC"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the items that carry a case, by a mark of their own or by the table."""
    by_test = defaultdict(set)
    for case, names in ELSEWHERE.items():
        for name in names.split():
            by_test[name].add(case)
    found = {getattr(item, "originalname", "") for item in items}
    if missing := set(by_test) - found:
        raise pytest.UsageError(f"elsewhere.py names tests that there are not: {sorted(missing)}")
    kept, left = [], []
    for item in items:
        cases = by_test.get(getattr(item, "originalname", ""), set()).union(
            *(mark.args for mark in item.iter_markers("case"))
        )
        item.user_properties.append(("cases", sorted(cases)))
        (kept if cases else left).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """`S  9 of 9`, family by family; what was skipped has not passed."""
    passed: dict[str, bool] = {}
    for outcome, reports in terminalreporter.stats.items():
        if outcome not in ("passed", "failed", "error", "skipped"):
            continue
        for report in reports:
            if getattr(report, "when", "") == "call" or outcome != "passed":
                for case in _cases(getattr(report, "user_properties", ())):
                    passed[case] = passed.get(case, True) and outcome == "passed"
    terminalreporter.section("cases of bad input")
    for family in FAMILIES:
        mine = {case: good for case, good in passed.items() if case[0] == family}
        bad = " ".join(sorted(case for case, good in mine.items() if not good))
        terminalreporter.write_line(
            f"{family}  {sum(mine.values())} of {len(mine)}  {bad}".rstrip()
        )
    terminalreporter.write_line(f"{sum(passed.values())} of {len(passed)} cases passed")
    for case, why in NOT_OURS.items():
        terminalreporter.write_line(f"not asked: {case}, for {why}")


def _cases(properties: Iterable[tuple[str, object]]) -> list[str]:
    return [case for name, value in properties if name == "cases" for case in value]
