"""Stands in for the sandbox's Graph API: it is there."""

import signal

signal.pause()
