# Everything runs in .venv, which the first target that needs it makes.
# A target's help is the text behind its two number signs; `make help` prints it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install -qq -c constraints.txt

FAST := tests/test_architecture.py tests/batch tests/core tests/quality tests/refine/test_band.py \
	tests/refine/test_trimap.py tests/studio/campaign tests/cutouts/scoring tests/studio/test_cost.py \
	tests/studio/test_route.py tests/models/test_catalogue.py src/maskworks/core src/maskworks/quality

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-slow lint fix docs site web bench bench-8000 bench-serve bench-ray lock audit clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.core ## install the core alone, then cut real photos out into demo-out/
	@$(BIN)/maskworks demo

test: $(VENV)/.dev ## run the tests and every example in the documents (ten minutes)
	@$(BIN)/python -m pytest -q --numprocesses auto --dist loadfile

test-fast: $(VENV)/.dev ## run what a change breaks first: pure code and the layout (two minutes)
	@$(BIN)/python -m pytest -q --numprocesses auto --dist loadfile $(FAST)

test-slow: $(VENV)/.dev ## run the tests that take longer, a fresh install among them
	@$(BIN)/python -m pytest -q -m slow

lint: $(VENV)/.dev ## check style, types, layers and the generated documents; change nothing
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python docs/generate.py --check

fix: $(VENV)/.dev ## mend what can be mended: style, format, generated documents
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@$(BIN)/python docs/generate.py

docs: $(VENV)/.dev ## write the generated documents and the README's pictures anew
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/make_images.py

site: $(VENV)/.site ## build the documentation as a site into site/; a broken link fails
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

web: ## fetch what the page /live runs on into web/runtime/ (14 MB; needs npm and a connection)
	@$(PYTHON) web/fetch_runtime.py

bench: $(VENV)/.core ## measure against rembg, into bench/baseline.md (an hour)
	@$(BIN)/python bench/run.py $(BENCH)

bench-8000: $(VENV)/.core ## run a campaign of 8,000 photos, into docs/benchmarks.md (hours, 30 GB)
	@$(BIN)/python bench/campaign.py --pictures 8000 --write docs/benchmarks.md $(BENCH)

bench-serve: $(VENV)/.dev ## measure the service against rembg's (a quarter of an hour)
	@$(BIN)/python bench/serve.py $(SERVE)

bench-ray: $(VENV)/.dev ## measure the Ray backend against the local one, and simulate many workers
	@$(BIN)/python bench/cluster.py $(RAY)

lock: $(VENV)/.core ## write requirements/*.lock anew: versions and digests (needs a connection)
	@$(BIN)/python -m pip install -qq uv
	@UV=$(BIN)/uv requirements/lock.sh

audit: $(VENV)/.dev ## ask pip-audit about the locked versions (needs a connection)
	@$(BIN)/python -m pip install -qq pip-audit
	@$(BIN)/pip-audit --require-hashes --disable-pip -r requirements/dev.lock

clean: ## remove the environments, caches and whatever the demo and the benchmark wrote
	rm -rf $(VENV) .venv-rembg demo-out bench/out build dist site
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- environment
# A stamp file is newer than pyproject.toml once its install went through.

$(VENV)/.core: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "maskworks needs Python 3.11 or newer; '$(PYTHON)' is" \
	       "$$($(PYTHON) --version 2>&1 | head -n 1)." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "installing the core into $(VENV) ..."
	@start=$$(date +%s) && \
	$(PYTHON) -m venv $(VENV) && \
	$(PIP) -e . && \
	echo "installed in $$(($$(date +%s) - start)) s; $(VENV) holds $$(du -sm $(VENV) | cut -f1) MB"
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "installing torch (CPU) and the tools into $(VENV) ..."
	@$(PIP) -e '.[torch,dev]'
	@touch $@

$(VENV)/.site: $(VENV)/.core
	@echo "installing the site's generator into $(VENV) ..."
	@$(PIP) -e '.[site]'
	@touch $@
