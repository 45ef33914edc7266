"""The fleet file: a workspace as a YAML text, and a text as a workspace.

Read entries.py (what a file says, as values), then file.py and document.py (text → values, or every
problem with its line), workspace.py (rows → values), plan.py (the difference of two, in words),
apply.py (values → rows) and text.py (values → text). docs/fleet-file.md is for its authors.
"""
