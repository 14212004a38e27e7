# The developer's interface; CI calls the same targets.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

export PYTHONDONTWRITEBYTECODE := # tests start the command a hundred times: compile it once

.PHONY: demo test lint docs month soak bench integration lock clean
.DEFAULT_GOAL := test

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY) ## start a lab of routers on loopback, sweep it over SSH, print the report
	$(BIN)/spi-collector demo

lint: $(READY) ## style, types, floors
	$(BIN)/ruff check collector tests benchmarks docs
	$(BIN)/ruff format --check collector tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint ## everything CI asks for, against the checkout and against the built wheel
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not soak and not integration"
	$(BIN)/python tests/wheel.py

docs: $(READY) ## every page and table that is made from the program
	$(BIN)/python docs/generate.py

month: $(READY) ## a simulated month of 5,000 runs: what the tracker was told against the truth, as a table
	cd tests && ../$(BIN)/python -m month

soak: $(READY) ## long runs: chaos, fuzzing, mutation, the month
	$(BIN)/python -m pytest -m "soak or hypothesis" --hypothesis-profile=soak --timeout 3600

integration: $(READY) ## against Alertmanager, Request Tracker and OpenSSH of the distribution
	sh tests/servers/install.sh
	$(BIN)/python -m pytest -m integration --timeout 900

bench: $(READY) ## paired measurements, one table each
	$(BIN)/python -m benchmarks

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	    --extra lab --extra dev --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist *.egg-info
