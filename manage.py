#!/usr/bin/env python
"""Django's entry. What a host can mend is said in one sentence, without a traceback."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "connector.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Settings: {error}")
    except OperationalError as error:
        if "--traceback" in sys.argv:
            raise
        first_line = str(error).strip().splitlines()[0]
        sys.exit(
            f"The database does not answer ({first_line})."
            " Start it with `make run`, or set DATABASE_URL."
        )


if __name__ == "__main__":
    main()
