"""The embedded stack: real PostgreSQL and Valkey from wheels, under one supervisor.

`make run` is `run.py`, `make demo` is `demo.py`, `make test` loads `pytest_plugin.py`; all three
stand on `supervisor.py`. Standard library, rich and psycopg only: nothing here knows Django or the
product, which it starts by the command lines of the Procfile.
"""
