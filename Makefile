# AtmoDist Studio: "make app" and "make test" are all that a new user needs; "make help" lists the rest.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 5006
HOST ?= localhost
WORKERS ?= 2
TORCH := $(shell sed -n 's/^\(torch==[0-9.]*\).*/\1/p' constraints.txt)
# Where pip looks for torch first; on a machine without a GPU, https://download.pytorch.org/whl/cpu saves several GB.
TORCH_INDEX ?=
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	>/dev/null 2>&1 && echo $$p && break; done)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
CODE := atmodist_core app train atmodist_studio
EXTRAS := grib,report,train,plots

.DEFAULT_GOAL := help
.PHONY: help install app wheel test test-fast slow lint format docs docs-pictures benchmark browser lock clean

help:
	@echo "make app [PORT=5006] [HOST=localhost] [DATA=folder] [MODELS=folder]   open the page"
	@echo "make test            every check: style, types, examples in docstrings, tests"
	@echo "make test-fast       the tests without slow ones and without a browser"
	@echo "make slow            the slow tests only"
	@echo "make lint            style and types only; make format repairs what can be repaired"
	@echo "make install         library, command lines and app into $(VENV), without starting it"
	@echo "make wheel           build the wheel and the source archive into dist"
	@echo "make docs            build the site into docs/_build/html; warnings are errors, no network is used"
	@echo "make docs-pictures   take the pictures of README and docs from the running app"
	@echo "make benchmark       time transforms, networks and training on this machine"
	@echo "make lock            write constraints.txt anew from the newest releases"
	@echo "make clean           remove $(VENV) and all other generated files"

$(VENV)/made:
	@test -n "$(PYTHON)" || { echo "error: needs Python 3.11, 3.12 or 3.13 with venv and pip, found none;" \
		"install one, or name it: make PYTHON=path/to/python3.11" >&2; exit 2; }
	@echo "Making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# torch comes first and alone: later packages then take the build that is already there, CPU or GPU.
$(VENV)/torch: $(VENV)/made constraints.txt
	@echo "Installing $(TORCH) (the largest part)"
	@$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH)
	@touch $@

$(VENV)/app: $(VENV)/torch pyproject.toml
	@echo "Installing AtmoDist Studio into $(VENV)"
	@$(PIP) -e '.[$(EXTRAS)]'
	@touch $@

$(VENV)/test: $(VENV)/app
	@echo "Installing what the tests need"
	@$(PIP) -e '.[$(EXTRAS),remote,test,docs]'
	@touch $@

install: $(VENV)/app

app: $(VENV)/app
	@$(BIN)/atmodist app --address $(HOST) --port $(PORT) $(if $(DATA),--data "$(DATA)") $(if $(MODELS),--models "$(MODELS)")

wheel: $(VENV)/test
	$(BIN)/hatchling build -d dist

# Browser tests use a Chromium of the machine. Without one they are skipped, and say so.
browser: $(VENV)/test
	@PYTHONPATH="$(CURDIR)" $(BIN)/python tests/browser.py --install

# Two runs: Playwright keeps an event loop in its process, in which no other test could start one.
test: lint docs browser
	$(BIN)/python -m pytest -n $(WORKERS) --doctest-modules --ignore=app/main.py --ignore=app/server/web/plugin.py tests $(CODE) -m "not slow and not browser"
	$(BIN)/python -m pytest tests -m "browser and not slow"

test-fast: $(VENV)/test
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not browser" tests

slow: browser
	$(BIN)/python -m pytest -m slow tests

lint: $(VENV)/test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy $(CODE)

format: $(VENV)/test
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .

# The reference and the gallery run this project's code, one thread a process as in the tests.
docs: $(VENV)/test
	rm -rf docs/_build/html
	PYTHONPATH="$(CURDIR)" OMP_NUM_THREADS=1 $(BIN)/python -m sphinx -b html -W --keep-going -q -d docs/_build/doctrees -c docs . docs/_build/html
	@echo "The site is at docs/_build/html/index.html"

docs-pictures: browser
	PYTHONPATH="$(CURDIR)" $(BIN)/python -m app.screenshots

benchmark: $(VENV)/test
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

LOCK_VENV ?= .lock-venv
lock:
	test -d $(LOCK_VENV) || { $(PYTHON) -m venv $(LOCK_VENV) \
		&& $(LOCK_VENV)/bin/pip install --quiet $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) $(TORCH) \
		&& $(LOCK_VENV)/bin/pip install --quiet -e '.[$(EXTRAS),remote,test,docs]'; }
	{ sed -n '/^#/p' constraints.txt; $(LOCK_VENV)/bin/pip freeze --exclude-editable \
		| sed -e 's/^\(torch==[0-9.]*\).*/\1/' -e '/^nvidia-/d' -e '/^cuda-/d' -e '/^triton==/d' -e '/ @ /d'; } > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) .lock-venv build dist docs/_build docs/gallery_pages docs/reference *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis test-results
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
