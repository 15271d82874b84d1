# Thin: each target is a line or two. `make up` and `make test` do all the set-up themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
RUN := $(VENV)/bin/
STACKS ?= hub example

.PHONY: help up box down test check preview bench soak lock clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

# A folder that was copied or moved brings an environment that runs the code of the first one.
ifneq ($(shell cat $(VENV)/home 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/installed
endif

$(VENV)/installed: requirements.txt .ci/pip.txt pyproject.toml
	@.ci/venv $(VENV)

up: $(VENV)/installed  ## provision the example customer on the embedded local AWS
	@$(RUN)managed local up $(STACKS)

box: up  ## boot what stands as real machines (root; docs/box.md)
	@.ci/host-packages
	@$(RUN)managed box up

down: $(VENV)/installed  ## stop machines and local AWS, and forget what stood on them
	@$(RUN)managed box down
	@$(RUN)managed local down

test: $(VENV)/installed  ## all tests, through the real engine and the real validators
	@.ci/host-packages
	@$(RUN)python -m managed_server.local.engine
	@.ci/test $(RUN)python

check: $(VENV)/installed  ## lint, types, import directions, and all stack files
	@$(RUN)ruff check . && $(RUN)ruff format --check .
	@$(RUN)mypy && $(RUN)lint-imports
	@$(RUN)managed check

preview: $(VENV)/installed  ## what a change would do, on the local AWS, with the policies
	@$(RUN)managed local preview $(STACKS)

bench: $(VENV)/installed  ## times, as medians (docs/bench.md)
	@$(RUN)python tests/bench.py
	@$(RUN)python tests/bench_servers.py
	@.ci/host-packages
	@TMPDIR=$${TMPDIR:-/tmp} $(RUN)pytest --quiet tests/box/stacks/bench_machines.py  # a server has a disk

soak: $(VENV)/installed  ## the long counts; ONLY="gadgets or applications": those of such names
	@.ci/host-packages
	@$(RUN)python -m managed_server.local.engine
	@MANAGED_SERVER_REQUIRE_ALL=1 $(RUN)pytest -m soak $(if $(ONLY),-k "$(ONLY)")

lock: $(VENV)/installed  ## pin requirements.in again, with hashes
	@$(RUN)pip install --quiet pip-tools && $(RUN)pip-compile --quiet --generate-hashes --allow-unsafe \
	  --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header requirements.in

clean: down  ## remove what was made here (the caches stay)
	@rm -rf $(VENV) .local build
