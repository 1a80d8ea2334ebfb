# Every target is one command of the project; anything longer lives in Python.
SHELL := /bin/bash
export UV_PYTHON_DOWNLOADS ?= never
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin

.PHONY: setup demo test lint format bench nightly mutants up down lock

setup: .venv/.ready  ## The environment, from the lock file, with uv (fetched by pip when missing)

.uv/bin/uv:
	python3 -m venv .uv && .uv/bin/pip install --quiet uv

ifeq ($(UV),.uv/bin/uv)
.venv/.ready: .uv/bin/uv
endif
.venv/.ready: requirements-dev.lock pyproject.toml
	$(UV) venv --quiet --allow-existing .venv
	$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## Real departures through Kafka to values, an alert and the addresses to look at
	$(BIN)/tidemark demo

test: setup  ## The whole suite; starts its own Kafka and Postgres
	$(BIN)/pytest -n auto --maxprocesses 4

nightly: setup  ## What takes longer than ten minutes
	$(BIN)/pytest -n auto --maxprocesses 4 -m "nightly or not nightly"

mutants: setup  ## Break each guard in a copy of the tree; its tests have to fail
	$(BIN)/python -m tests.mutants

lint: setup  ## Style, types and the direction of the imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## Throughput, latency and rows written, with the environment printed
	$(BIN)/python -m benchmarks

up: setup  ## A local Postgres and Kafka
	$(BIN)/tidemark local up

down: setup
	$(BIN)/tidemark local down

lock:  ## Resolve again after a change in pyproject.toml
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate pyproject.toml --extra local --extra parquet --group dev -c requirements.lock -o requirements-dev.lock
