"""Stands in for the demo's scenario: says what it was told, and ends with the code the test wants."""

import os
import sys
from pathlib import Path

for name in ("CONNECTOR_URL", "META_GRAPH_URL", "GRAPH_URL", "DATABASE_URL"):
    sys.stdout.write(f"{name}={os.environ.get(name)}\n")
sys.stdout.write(f"{Path(os.environ['DATA_DIR'], 'stack.json').exists()}\n")
sys.exit(int(Path("scenario.code").read_text()))
