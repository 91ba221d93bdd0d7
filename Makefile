# Comfyhouse. `make help` lists what there is. Every path is relative: the checkout's own may
# contain spaces.
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
T ?= tests
# A connection on loopback that was reset from outside; see docs/decisions/0017.
RESET := ReadError|RemoteProtocolError|ConnectionReset|ServerDisconnected|ClientOSError|ConnectionClosedError
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help up test check fix bench soak sizes docs clean run dev

help: ## show this menu
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

up: run ## start everything and make a first picture; ONCE=1 stops after it
	@exec $(BIN)/comfyhoused up $(if $(ONCE),--once)

test: check ## all checks and tests; T=tests/unit runs a part
	@$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder -m "not soak" \
		--reruns 1 --only-rerun "$(RESET)" $(T)

check: dev ## style, types and layers; edits nothing
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@report=$$($(BIN)/lint-imports 2>&1) || { printf '%s\n' "$$report"; exit 1; }

fix: dev ## let the tools correct style and formatting
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

bench: dev ## measure against driving ComfyUI directly; writes bench/out/latest.json
	@$(BIN)/python -m bench

soak: dev ## the kill tests with their full counts (long)
	@$(BIN)/pytest -m soak --timeout 7200 $(T)

sizes: dev ## lines per file and function, beside the examples of good style
	@$(BIN)/python -m tools.sizes

docs: dev ## write the references and what the SDKs know of the API from the code
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.sdk_models
	@$(BIN)/python -m tools.sync_sdk

clean: ## remove .venv and caches; the data in var stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

run:
	@sh tools/install.sh run

dev:
	@sh tools/install.sh dev
