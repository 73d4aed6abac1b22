# Every target does its own set-up; a second run is quick.
SHELL := /bin/bash
.DEFAULT_GOAL := help
READY := .ready
export UV_PYTHON_DOWNLOADS ?= never

.PHONY: help demo test check bench screenshots format

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(READY)/venv ## Start the demo: a live LLM application to watch, break and heal
	@uv run --no-sync python scripts/servers.py prometheus --optional
	@uv run --no-sync wakeful demo

test: $(READY)/venv ## Run every test, against real servers
	@uv run --no-sync python scripts/servers.py prometheus alertmanager postgresql chromium
	uv run --no-sync pytest

check: $(READY)/venv ## Format, lint, types, import contracts, migrations
	uv run --no-sync ruff format --check .
	uv run --no-sync ruff check .
	uv run --no-sync mypy
	uv run --no-sync lint-imports
	uv run --no-sync python scripts/migrations.py

bench: $(READY)/venv ## Measure, beside the peers, in one run
	@uv run --no-sync python scripts/servers.py prometheus chromium
	uv run --no-sync python -m bench

format: $(READY)/venv ## Format and mend what can be mended
	uv run --no-sync ruff format .
	uv run --no-sync ruff check --fix .

$(READY)/venv: pyproject.toml uv.lock
	@command -v uv >/dev/null || python3 -m pip install --quiet --user --break-system-packages uv \
	  || python3 -m pip install --quiet uv
	@command -v uv >/dev/null || { echo "install uv first: https://docs.astral.sh/uv/"; exit 1; }
	uv sync --locked
	@mkdir -p $(READY) && touch $@
