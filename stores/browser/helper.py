"""The plug-in for WooCommerce shops, as the zip that WordPress installs.

`python -m stores.browser.helper FILE` writes it without a store's settings (`make woocommerce-helper`).
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "woocommerce"
PLUGIN = FOLDER / "connector-helper.php"
SETTINGS = "connector-settings.php"
MADE_AT = (2026, 1, 1, 0, 0, 0)  # always the same bytes for the same plug-in


def helper_zip(settings: dict[str, Any] | None = None) -> bytes:
    """The plug-in; with `settings` (stores.browser.script.settings_of), it also tells Meta's pixels."""
    files = {PLUGIN.name: PLUGIN.read_text(encoding="utf-8")}
    if settings and settings["pixels"]:
        files[SETTINGS] = settings_file(settings)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(f"connector-helper/{name}", MADE_AT)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def settings_file(settings: dict[str, Any]) -> str:
    """What the plug-in includes: PHP that says no more than a JSON document."""
    known = {key: settings[key] for key in ("shop", "pixels", "pixel_url")}
    quoted = json.dumps(known).replace("\\", "\\\\").replace("'", "\\'")
    return f"<?php\nreturn json_decode('{quoted}', true);\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(helper_zip())
