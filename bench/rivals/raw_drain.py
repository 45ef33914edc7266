"""The least a sender can do: one process, no lease on rows, the order built as it is sent."""

import time

import psycopg
import requests

from bench.rivals import limit

BATCH = 1_000


def prepare(connection: psycopg.Connection, bodies: list[bytes]) -> None:
    """Tables with so many orders."""
    connection.execute("DROP TABLE IF EXISTS raw_event, raw_payload")
    connection.execute("CREATE TABLE raw_event (id bigint PRIMARY KEY, state smallint DEFAULT 0)")
    connection.execute("CREATE TABLE raw_payload (id bigint PRIMARY KEY, body bytea)")
    connection.execute("CREATE INDEX ON raw_event (id) WHERE state = 0")
    with connection.cursor().copy("COPY raw_payload FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int8", "bytea"])
        for number, body in enumerate(bodies):
            copy.write_row((number, body))
    connection.execute("INSERT INTO raw_event (id) SELECT id FROM raw_payload")
    connection.execute("ANALYZE raw_event, raw_payload")


def drain(connection: psycopg.Connection, url: str) -> float:
    """Send all; events a second."""
    session, last, sent, begun = requests.Session(), -1, 0, time.perf_counter()
    while rows := connection.execute(
        "SELECT id, body FROM raw_event JOIN raw_payload USING (id)"
        " WHERE state = 0 AND id > %s ORDER BY id LIMIT %s",
        (last, BATCH),
    ).fetchall():
        body = b'{"data":[' + b",".join(limit.event(bytes(row[1])) for row in rows) + b"]}"
        session.post(f"{url}/v26.0/1/events", data=body, timeout=10).raise_for_status()
        ids = [row[0] for row in rows]
        connection.execute("UPDATE raw_event SET state = 1 WHERE id = ANY(%s)", (ids,))
        last, sent = ids[-1], sent + len(ids)
    return sent / (time.perf_counter() - begun)
