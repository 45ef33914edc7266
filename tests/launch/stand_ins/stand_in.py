"""Stands in for the product's processes: writes down its start, and answers HTTP as web."""

import http.server
import os
import signal
import sys
from pathlib import Path

role, *address = sys.argv[1:]
with Path(os.environ["DATA_DIR"], f"{role}.starts").open("a") as starts:
    print(os.getpid(), file=starts)
sys.stdout.write(f"{role} sees {os.environ.get('FROM_ENV_FILE', 'nothing')}\n")
sys.stdout.flush()
if role == "web":

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    http.server.HTTPServer((address[0], int(address[1])), Answer).serve_forever()
elif role == "worker":
    signal.pause()
