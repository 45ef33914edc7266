"""A stand-in for Meta that checks nothing: as fast as Python may be, or `--delay` seconds late.

Counts events and remembers when each event id came, a back-fill's apart: `GET /` tells.
"""

import argparse
import json
import re
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

EVENT_ID = re.compile(rb'"event_id": ?"([^"]+)"')
OLD = "old-"  # how the event ids of a back-fill begin
arrivals: dict[str, float] = {}
seen = {"requests": 0, "events": 0}
options = argparse.Namespace(delay=0.0)


class Sink(BaseHTTPRequestHandler):
    """Answers as Meta would."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Take the events."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        now = time.time()
        ids = EVENT_ID.findall(body)
        time.sleep(options.delay)
        for event_id in ids:
            if not event_id.startswith(OLD.encode()):
                arrivals.setdefault(event_id.decode(), now)
        seen["requests"] += 1
        seen["events"] += len(ids)
        self._answer({"events_received": len(ids), "messages": [], "fbtrace_id": "Abench"})

    def do_GET(self) -> None:
        """Tell what came; forget it with `/forget`."""
        self._answer(seen | {"arrivals": arrivals})
        if self.path == "/forget":
            arrivals.clear()
            seen.update(requests=0, events=0)

    def _answer(self, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.parse_args(namespace=options)
    ThreadingHTTPServer(("127.0.0.1", options.port), Sink).serve_forever()
