# Everything that people and CI run. `make help` lists it.

PYTHON := .venv/bin/python
ARGS ?=

DEMO_PACKAGES := python3-venv busybox-static iproute2 mmdebstrap uidmap debian-archive-keyring
TEST_PACKAGES := $(DEMO_PACKAGES) chromium fonts-dejavu-core git linux-libc-dev shellcheck
# npm may have come with a Node.js that is not Debian's, and Debian's own package would clash with it.
MORE_PACKAGES := glewlwyd postgresql $(if $(shell command -v npm),,npm)

.DEFAULT_GOAL := help

help: ## List what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/installed ## Make the virtual environment from the lock file

.venv/installed: requirements-dev.txt
	@tools/need.sh python3-venv
	@echo "making .venv from the lock file"
	@"$$(tools/python.sh)" -m venv .venv
	@.venv/bin/pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@.venv/bin/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## Run a whole challenge on a practice cluster (ARGS=--once ends by itself)
	@tools/need.sh $(DEMO_PACKAGES)
	@$(PYTHON) -m examples.demo $(ARGS)

test: setup ## Check and test what is quick, on real Slurm, Apptainer and Chromium
	@tools/need.sh $(TEST_PACKAGES)
	@$(PYTHON) -m tests.run --what quick $(ARGS)

test-more: setup ## Test all that `make test` leaves out: PostgreSQL, all releases, providers, attacks, faults
	@tools/need.sh $(TEST_PACKAGES) $(MORE_PACKAGES)
	@$(PYTHON) -m tests.run --what more $(ARGS)

test-all: setup ## Check and test everything: both of them
	@tools/need.sh $(TEST_PACKAGES) $(MORE_PACKAGES)
	@$(PYTHON) -m tests.run --what all $(ARGS)

test-faults: setup ## Break a practice site in every way and look that each job is done once (ARGS=--write: its table)
	@tools/need.sh $(DEMO_PACKAGES)
	@$(PYTHON) -m tests.faults $(ARGS)

test-attacks: setup ## Make every attack that has to fail, on a practice site and in Chromium (ARGS=--write: their page)
	@tools/need.sh $(TEST_PACKAGES) $(MORE_PACKAGES)
	@$(PYTHON) -m tests.attacks $(ARGS)

fuzz: setup ## Fuzz the readers of foreign bytes for a minute (ARGS=600: seconds in all)
	@$(PYTHON) -m tests.fuzz $(ARGS)

lint: setup ## Format check, linters, types, import rules, spelling
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/djlint --quiet --lint portal/templates
	@.venv/bin/codespell portal scheduler containers site_config tests examples docs tools README.md CHANGELOG.md

bench: setup ## Measure the leaderboard, uploads, idle memory and the waits around a job
	@tools/need.sh $(DEMO_PACKAGES)
	@$(PYTHON) -m tests.bench $(ARGS)

practice-up: setup ## Start the practice site: real Slurm and Apptainer on this machine
	@tools/need.sh $(DEMO_PACKAGES)
	@$(PYTHON) -m site_config.practice up $(ARGS)

practice-down: setup ## Stop the practice site (ARGS=--purge frees its disk)
	@$(PYTHON) -m site_config.practice down $(ARGS)

serve: setup ## Serve the portal on the practice site's settings, without a worker
	@$(PYTHON) -m examples.demo.serve $(ARGS)

lock: setup ## Bring the lock files up to date (the day's newest releases)
	@.venv/bin/uv pip compile -q --upgrade --generate-hashes --no-emit-index-url --universal \
	    --python-version 3.11 pyproject.toml -o requirements.txt
	@# pip with hashes takes a package with an extra only where the lock names the extra.
	@.venv/bin/uv pip compile -q --upgrade --no-strip-extras --generate-hashes --no-emit-index-url --universal \
	    --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

.PHONY: help setup demo test test-more test-all test-faults test-attacks fuzz lint bench practice-up practice-down serve lock
