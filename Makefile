# The commands of the README are `make demo`, `make quick` and `make test`; the rest are the plain steps under them.
PYTHON ?= python3.11
VENV   ?= .venv
BIN     = $(abspath $(VENV))/bin
CORES  ?= all
# GPU=1 installs for a GPU: envs/gpu.lock, with torch for CUDA. An environment that is one stays one.
GPU    ?= $(if $(wildcard $(VENV)/.installed-gpu),1)
LOCK    = envs/$(if $(GPU),gpu,requirements).lock
STAMP   = $(VENV)/.installed$(if $(GPU),-gpu)
# Tests at a time. Many wait for a server or a scheduler, so that three keep two cores busy.
WORKERS ?= 3

PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder

.PHONY: demo quick test test-cluster chat install .venv-qwen1 lock image docs lint release clean

demo: install
	$(BIN)/snakemake --cores $(CORES)

# What needs no model of 490 MB, no training, no cluster and no browser: is a change good?
quick: WORKERS = 4
quick: install
	$(PYTEST) --durations=5 tests/endpoints tests/dag tests/unit

# Everything.
test: install
	$(PYTEST) --durations=15

# Which adapter, of which configuration: make chat CHAT="--adapter NAME --configfile FILE"
chat: install
	HF_HUB_OFFLINE=1 $(BIN)/python scripts/chat_with_adapter.py $(CHAT)

# On a Slurm of its own: needs root, and the packages of tests/system_packages.sh --slurm.
test-cluster: install
	$(BIN)/python -m pytest tests/cluster

install: $(STAMP)

# A virtual environment from the lock that is its first prerequisite; anew where it was one of the other kind.
define environment
$(PYTHON) -m venv $(if $(filter-out $@,$(wildcard $(@D)/.installed*)),--clear) $(@D)
$(@D)/bin/pip install --quiet --no-deps --require-hashes -r $<
$(@D)/bin/pip install --quiet -r envs/torch.txt
$(@D)/bin/pip install --quiet --no-deps --no-build-isolation --editable .
touch $@
endef

$(STAMP): $(LOCK) envs/torch.txt pyproject.toml
	$(environment)

# For models with `environment: qwen1`, whose own code needs releases of its time.
.venv-qwen1: .venv-qwen1/.installed

.venv-qwen1/.installed: envs/qwen1.lock envs/torch.txt pyproject.toml
	$(environment)

lock:
	$(BIN)/python envs/lock.py
	$(BIN)/python envs/qwen1.py
	$(BIN)/python envs/gpu.py

# A container of the environment and the workflow, tagged xuxie: make image [CONTAINER=podman]
CONTAINER ?= docker

image:
	$(CONTAINER) build --tag xuxie .

docs: install
	$(BIN)/python config/reference.py

lint: install
	$(BIN)/snakemake --lint
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# What the changelog calls unreleased becomes a version: make release VERSION=1.2.3
release: install
	$(BIN)/python .ci/release.py $(VERSION)

clean:
	rm -rf $(VENV)
