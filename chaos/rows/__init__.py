"""The fault matrix: each module has the rows of one kind of misfortune, in their order."""

from chaos.rows import broker, postgres, processes
from chaos.trial import Row

ROWS: tuple[Row, ...] = (*processes.ROWS, *postgres.ROWS, *broker.ROWS)
