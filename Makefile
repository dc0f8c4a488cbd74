# Two commands do everything: `make demo` and `make test`. Nothing but git, python3 (3.11 or newer) and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)
CORES ?= $(shell $(PYTHON) -c "import os; print(len(os.sched_getaffinity(0)))")
export PATH := $(BIN):$(PATH)

ifdef UV
  MAKE_VENV = uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
  INSTALL = VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --compile-bytecode
else
  MAKE_VENV = $(PYTHON) -m venv $(VENV)
  INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.PHONY: setup demo test lint parity bench clean lock

setup: $(VENV)/.setup  ## just the virtual environment

$(VENV)/.setup: requirements.lock pyproject.toml
	$(MAKE_VENV)
	$(INSTALL) -r requirements.lock
	$(INSTALL) --no-deps --config-settings editable_mode=compat --editable .  # a path, not a slower import hook
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.setup
	$(INSTALL) -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.setup  ## simulate a small program, calibrate it, say where to look
	mkdir -p demo
	snakemake -d demo -j $(CORES) simulate
	CRDS_PATH=$(CURDIR)/demo/crds_cache CRDS_CONTEXT=jwst_0001.pmap snakemake -d demo -j $(CORES) demo
	@echo "Raw exposures: demo/raw   products: demo/products   look at: demo/reports/report.html"

test: $(VENV)/.dev  ## all tests but the comparison with the official package
	python -c "from jwcal import jobs; jobs.compile_first(['peek'])"
	python -m pytest -n $(CORES) --dist worksteal

lint: $(VENV)/.dev  ## ruff, snakefmt, snakemake --lint
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	snakemake --lint

parity: $(VENV)/.dev  ## compare with the official jwst package (installed in .venv-parity)
	tests/parity/install.sh
	python -m pytest tests/parity --override-ini addopts= -ra -q

bench: $(VENV)/.dev  ## speed and memory against the official package
	tests/parity/install.sh
	python tests/parity/bench.py

lock:  ## renew the lock files and the conda environment from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --no-header --no-annotate --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --no-header --no-annotate --python-version 3.11 --group dev \
	  -c requirements.lock pyproject.toml -o requirements-dev.lock
	python -m jwcal.environment > envs/jwcal.yaml

clean:  ## remove what running makes here, but not raw data
	rm -rf demo products logs benchmarks reports .jwcal .snakemake .pytest_cache .hypothesis .ruff_cache .parity \
	  $(VENV) .venv-parity *.egg-info
