"""The app's web pixel as the folder of an extension: `python -m stores.browser.extension FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE = Path(__file__).parent


def write_extension(folder: Path) -> None:
    """What `shopify app deploy` takes: the configuration and the script."""
    (folder / "src").mkdir(parents=True, exist_ok=True)
    parts = (SOURCE / name for name in ("extension.js", "pixel.js"))
    script = "\n".join(part.read_text(encoding="utf-8") for part in parts)
    (folder / "src" / "index.js").write_text(script, encoding="utf-8")
    configuration = (SOURCE / "extension.toml").read_text(encoding="utf-8")
    (folder / "shopify.extension.toml").write_text(configuration, encoding="utf-8")


if __name__ == "__main__":
    write_extension(Path(sys.argv[1]))
