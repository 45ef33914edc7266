"""Sees to a Chromium for the browser tests: `python3 launch/chromium.py`. Never a reason to fail.

Root on Debian gets it from apt-get; everybody else is told, loudly, that those tests will not run.
"""

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "chromium-driver")
# A machine without a network should not wait for it.
APT_OPTIONS = ("-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20")


def main() -> int:
    """Install Chromium when it is missing and can be; say so when it cannot."""
    if not _is_there() and not _installed_with_apt():
        print(
            "NO CHROMIUM: the browser tests will not run. Install chromium and its driver "
            "(on Debian: apt-get install chromium chromium-driver).",
            file=sys.stderr,
        )
    return 0


def _is_there() -> bool:
    return any(shutil.which(name) for name in NAMES) and bool(shutil.which("chromedriver"))


def _installed_with_apt() -> bool:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return False
    print("Installing Chromium for the browser tests (this happens once).", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "-y", "--no-install-recommends", *PACKAGES)):
        subprocess.run(
            ("apt-get", *APT_OPTIONS, *command),
            env=environment,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    return _is_there()


if __name__ == "__main__":
    sys.exit(main())
