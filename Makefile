# Two commands on a fresh machine: `make demo` and `make test`. Everything else is `make help`.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo run test check badinput canaries sweep sbom audit fuzz screenshots chaos bench conformance lock messages clean mutants woocommerce-helper shopify-pixel prepare prepare-dev prepare-bench prepare-mutants prepare-audit

PYTHON ?= python3
VENV := .venv/bin
SHARED ?= ../shared
PYTEST_ARGS ?=
# A process per core, each with a database of its own; the servers are shared.
PYTEST := $(VENV)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

help: ## print what make can do here
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: prepare ## the whole product against a sandbox, from nothing; then it serves until Ctrl-C
	@$(VENV)/python -m launch.demo

run: prepare ## the product with your own settings (.env), in one terminal, on PORT (8000)
	@$(VENV)/python -m launch.run

test: prepare-dev ## every test; PYTEST_ARGS="-k pixel" chooses some
	@$(PYTHON) launch/programs.py
	@$(PYTEST) $(PYTEST_ARGS)

check: prepare-dev ## what CI runs: format, lint, types, arrows, migrations, then every test
	$(VENV)/ruff format --check
	$(VENV)/ruff check
	$(VENV)/mypy
	$(VENV)/lint-imports --no-cache
	@! grep -n '://' requirements*.txt || { echo 'A lock names a registry: make lock writes one that does not.'; exit 1; }
	@$(PRODUCTION) $(VENV)/python manage.py check --deploy --fail-level WARNING
	@$(PRODUCTION) $(VENV)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(MAKE) --no-print-directory sbom
	@$(PYTHON) launch/programs.py
	$(PYTEST) $(PYTEST_ARGS)

# Settings as in production, for checks that open no connection.
PRODUCTION = CONNECTOR_ENV_FILE= DEBUG= APP_URL=https://connector.example ALLOWED_HOSTS=connector.example \
	DATABASE_URL=postgres://nobody@127.0.0.1:9/none CELERY_BROKER_URL=redis://127.0.0.1:9/0 \
	SECRET_KEY=$(RANDOM_KEY) FIELD_ENCRYPTION_KEYS=$(RANDOM_KEY)
RANDOM_KEY = $$($(PYTHON) -c 'import secrets; print(secrets.token_hex(32))')

screenshots: prepare-dev ## a picture of every page, desk and phone, light, dark and French, in screenshots/
	@$(PYTHON) launch/programs.py
	@$(VENV)/python -m launch.demo sandbox.screenshots

woocommerce-helper: ## the plug-in for WooCommerce shops, as dist/connector-helper.zip
	@$(PYTHON) -m stores.browser.helper dist/connector-helper.zip
	@echo "dist/connector-helper.zip: upload it in WordPress, below Plugins, Add New."

shopify-pixel: ## the web pixel of your Shopify app, as dist/connector-pixel, for its extensions/
	@$(PYTHON) -m stores.browser.extension dist/connector-pixel
	@echo "dist/connector-pixel: move it to your app's extensions/, and run shopify app deploy."

chaos: prepare ## the fault matrix: lost 0, twice 0 under every fault; ONLY=4,25 or ONLY=ci, SEED=7, FULL=1
	@$(VENV)/python -m chaos

bench: prepare-bench ## measured ratios; ONLY=ingest (transform, drain, journey, sustained, scale, lanes), FULL=1
	@$(VENV)/python -m bench

mutants: prepare-mutants ## change what Meta is told in each small way (10 minutes); the tests must notice 95 of 100
	rm -rf mutants
	-$(VENV)/mutmut run
	@$(VENV)/mutmut export-cicd-stats
	@$(VENV)/python -m launch.mutants mutants/mutmut-cicd-stats.json

conformance: prepare ## replay captured requests: make conformance SHARED=../shared
	@$(VENV)/python -m launch.demo sandbox.conformance $(SHARED)

badinput: prepare-dev ## every case of bad input: how many pass, family by family
	@$(PYTHON) launch/programs.py
	@$(PYTEST) -q -p tests.bad_input.counting

canaries: prepare-dev ## forty things nobody may find go down every path; how many are found afterwards
	@$(VENV)/python -m pytest -q -s -p no:randomly tests/journeys/test_canaries.py

fuzz: prepare-dev ## FUZZ=1000000 odd bodies and as many requests, none of which may be answered by 500
	@FUZZ=$(or $(FUZZ),1000000) $(VENV)/python -m pytest -q -n auto -p no:randomly --timeout 0 --show-capture no tests/bad_input/test_fuzz.py

sweep: prepare-dev ## every route as everybody who should not: routes × actors, and how many leaks
	@$(VENV)/python -m pytest -q -s -p no:randomly tests/dashboard/test_sweep_of_routes.py

sbom: prepare-dev ## sbom.json: what is in an installation, by name, version and hash (CycloneDX)
	@$(VENV)/python -W ignore -m cyclonedx_py requirements requirements.txt --output-file sbom.json
	@echo "sbom.json names $$(grep -c '"purl"' sbom.json) packages."

audit: prepare-audit sbom ## ask whether a package that is installed has a known hole (needs the internet)
	@$(VENV)/python -m pip_audit --requirement requirements.txt --require-hashes --disable-pip

lock: ## make the requirements again from pyproject.toml (needs uv)
	uv pip compile pyproject.toml $(LOCK_OPTIONS) --output-file requirements.txt
	uv pip compile pyproject.toml $(LOCK_OPTIONS) --group dev --output-file requirements-dev.txt
	uv pip compile pyproject.toml $(LOCK_OPTIONS) --group dev --group bench --output-file requirements-bench.txt
	uv pip compile pyproject.toml $(LOCK_OPTIONS) --group dev --group mutants --output-file requirements-mutants.txt
	uv pip compile pyproject.toml $(LOCK_OPTIONS) --group dev --group audit --output-file requirements-audit.txt

# Hashes for every platform, and no registry's address: pip asks whichever index its user has set.
LOCK_OPTIONS := --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links

messages: prepare-dev ## bring the catalogues of locale/ in step with the code, and name what is not translated
	@$(VENV)/python -m launch.messages

clean: ## delete .venv and the caches; the data in .data stays
	rm -rf .venv mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

prepare:
	@$(PYTHON) launch/bootstrap.py requirements.txt

prepare-dev:
	@$(PYTHON) launch/bootstrap.py requirements-dev.txt

prepare-bench:
	@$(PYTHON) launch/bootstrap.py requirements-bench.txt

prepare-audit:
	@$(PYTHON) launch/bootstrap.py requirements-audit.txt

prepare-mutants:
	@$(PYTHON) launch/bootstrap.py requirements-mutants.txt
