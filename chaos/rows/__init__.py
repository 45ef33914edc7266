"""The fault matrix: each module has the rows of one kind of misfortune, in their order."""

from chaos.rows import broker, clocks, demo, failpoints, graph, postgres, processes, webhooks
from chaos.trial import Row

ROWS: tuple[Row, ...] = (
    *failpoints.ROWS,
    *processes.ROWS,
    *postgres.ROWS,
    *broker.ROWS,
    *graph.ROWS,
    *clocks.ROWS,
    *webhooks.ROWS,
    *demo.ROWS,
)
