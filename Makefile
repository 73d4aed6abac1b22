# Every target does its own set-up; a second run is quick.
SHELL := /bin/bash
.DEFAULT_GOAL := help
READY := .ready
UV = $$(command -v uv || echo python3 -m uv)
RUN = $(UV) run --no-sync
SDKS = $(READY)/sdks/ready $(READY)/sdks_earlier/ready
export UV_PYTHON_DOWNLOADS ?= never

.PHONY: help demo test check lint bench drill screenshots format

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: $(READY)/venv ## Start the demo: a live LLM application to watch, break and heal
	@$(RUN) python scripts/servers.py prometheus --optional
	@$(RUN) wakeful demo

test: $(READY)/venv $(READY)/phoenix/bin/phoenix $(SDKS) ## Run every test, against real servers
	@$(RUN) python scripts/servers.py prometheus victoria-metrics alertmanager postgresql chromium
	$(RUN) pytest -n auto --dist loadfile

check: lint test ## Everything: lint, then test

lint: $(READY)/venv ## Format, lint, types, import contracts, migrations
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) lint-imports
	$(RUN) python scripts/migrations.py

bench: $(READY)/venv $(READY)/phoenix/bin/phoenix ## Measure, beside the peers, in one run
	@$(RUN) python scripts/servers.py prometheus alertmanager chromium
	$(RUN) python -m bench

drill: $(READY)/venv ## Kill the engine where it hurts, 200 times, and count what was lost
	@$(RUN) python scripts/servers.py postgresql
	$(RUN) python -m drill

screenshots: $(READY)/venv ## Take the pictures in docs/ anew, of the real thing
	@$(RUN) python scripts/servers.py prometheus chromium
	$(RUN) python -m tests.shots

format: $(READY)/venv ## Format and mend what can be mended
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

$(READY)/venv: pyproject.toml uv.lock
	@$(UV) --version >/dev/null 2>&1 || python3 -m pip install --quiet uv \
	  || python3 -m pip install --quiet --user --break-system-packages uv \
	  || { echo "install uv first: https://docs.astral.sh/uv/"; exit 1; }
	@$(UV) sync --locked --quiet
	@mkdir -p $(READY) && touch $@

# The tests ask a real Phoenix, in an environment of its own: it is no part of the product.
$(READY)/phoenix/bin/phoenix: scripts/phoenix.txt | $(READY)/venv
	@mkdir -p $(READY)
	@rm -rf $(READY)/phoenix
	@$(UV) venv --quiet --python .venv/bin/python $(READY)/phoenix
	@$(UV) pip install --quiet --python $(READY)/phoenix/bin/python -r $<
	@touch $@

# They run the instrumentation of real SDKs too, which wants versions of its own.
$(READY)/%/ready: scripts/%.txt | $(READY)/venv
	@rm -rf $(READY)/$*
	@$(UV) venv --quiet --python .venv/bin/python $(READY)/$*
	@$(UV) pip install --quiet --no-deps --python $(READY)/$*/bin/python -r $<
	@touch $@
