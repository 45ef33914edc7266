"""A customer's wish to be forgotten, while the worker that carries it out is killed."""

import json
from collections.abc import Callable

import pytest
from installation import Stack, a_story, wait_for


@pytest.mark.case("P14")
def test_a_worker_that_dies_in_the_middle_has_erased_nothing_and_the_next_erases_all(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack()
    story = a_story()
    stack.shopify().tell(story)
    stack.start("worker")
    wait_for(lambda: stack.arrived(story.order_id), within=30)
    stack.kill("worker")
    wish = {"shop_domain": "lyon.myshopify.com", "orders_to_redact": [int(story.order_id)]}
    assert stack.shopify().deliver("customers/redact", json.dumps(wish).encode()).status == 200
    stack.environment |= {  # failpoints are never armed in production
        "FAILPOINTS": "K18=kill9*1",
        "DEBUG": "1",
        "DATA_DIR": str(stack.folder),
    }

    def kept() -> tuple[int, int]:
        """Bodies and payloads that are still there."""
        return (
            int(stack.sql("SELECT count(body) FROM shop_webhooks_webhookdelivery")[0][0]),
            int(stack.sql("SELECT count(*) FROM conversions_eventpayload")[0][0]),
        )

    before = kept()
    stack.start("broker")
    ring = (
        "shell",
        "-c",
        "from shop_webhooks.tasks import carry_out_notices as task; task.delay()",
    )
    stack.start("worker")
    stack.manage(*ring)
    wait_for(lambda: stack.processes["worker"].poll() is not None, within=30)

    (request,) = json.loads(stack.manage("notices", "--json"))
    assert (kept(), request["done_at"]) == (before, None)
    assert stack.manage("verify_erasure", str(request["id"]), ends_with=2) == ""

    stack.start("worker")
    stack.manage(*ring)
    wait_for(lambda: kept() == (0, 0), within=30)
    assert "holds" in wait_for(lambda: stack.manage("verify_erasure", str(request["id"])))
