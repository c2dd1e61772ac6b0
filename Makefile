# make demo   train a colouriser on the embedded dataset and show what it does
# make test   run the tests
# make check  lint, format, types, layers and dependencies
# Each makes .venv and installs tintbox there if need be; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.tintbox-ready

.PHONY: demo test check pyright format clean dist matrix docs

$(READY): pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	touch $@

demo: $(READY)
	$(BIN)/python benchmarks/demo.py

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

# As an editor sees the bare checkout: every import of tintbox must resolve. Needs npm.
pyright:
	npx --yes pyright --outputjson | $(PYTHON) tools/unresolved.py

# The source distribution, and the wheel built from it: never from what an earlier build left here.
dist: $(READY)
	rm -rf dist
	$(BIN)/python -m build

# The tests marked `smoke` on every Python that is found, each in a fresh environment, one after the other:
# make matrix ULTRALYTICS="8.4.120 8.4.190" PYTHONS="3.10 3.13"
matrix: dist
	$(BIN)/python tools/matrix.py dist/*.whl --pythons $(PYTHONS) --ultralytics $(ULTRALYTICS)

# The documentation site, in site/, without network, neither now nor when it is read. Its search wants a server:
# python -m http.server -d site
docs: $(READY)
	$(BIN)/python tools/import_graph.py docs/architecture.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache
