# make demo   train a colouriser on the embedded dataset and show what it does
# make test   run the tests
# make check  lint, format check and type check
# make upstream        Ultralytics' own tests with the plugin and without it: what passes without it passes with it
# make upstream-quick  those of them that start subprocesses or train, in about five minutes
# Each makes .venv and installs tintbox there if need be; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.tintbox-ready

.PHONY: demo test upstream upstream-quick check format clean

$(READY): pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[test]"
	touch $@

demo: $(READY)
	$(BIN)/python benchmarks/demo.py

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

upstream: $(READY)
	$(BIN)/python tests/upstream/run.py $(ARGS)

upstream-quick: $(READY)
	$(BIN)/python tests/upstream/run.py --quick $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
