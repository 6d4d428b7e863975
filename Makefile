# The two commands of the README are `make demo` and `make test`; the rest are the plain steps under them.
PYTHON ?= python3.11
VENV   ?= .venv
BIN     = $(abspath $(VENV))/bin
CORES  ?= all

.PHONY: demo test test-cluster chat install lock docs lint clean

demo: install
	$(BIN)/snakemake --cores $(CORES)

test: install
	$(BIN)/python -m pytest

# Which adapter, of which configuration: make chat CHAT="--adapter NAME --configfile FILE"
chat: install
	HF_HUB_OFFLINE=1 $(BIN)/python scripts/chat_with_adapter.py $(CHAT)

# On a Slurm of its own: needs root, and the packages of tests/system_packages.sh --slurm.
test-cluster: install
	$(BIN)/python -m pytest tests/cluster

install: $(VENV)/.installed

$(VENV)/.installed: envs/requirements.lock envs/torch.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-deps --require-hashes -r envs/requirements.lock
	$(BIN)/pip install --quiet -r envs/torch.txt
	touch $@

lock:
	$(BIN)/python envs/lock.py

docs: install
	$(BIN)/python config/reference.py

lint: install
	$(BIN)/snakemake --lint
	$(BIN)/snakefmt --check Snakefile rules

clean:
	rm -rf $(VENV)
