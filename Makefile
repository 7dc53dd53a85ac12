# tlk: the commands. `make help` lists them; the README says what to expect.
# Options:  PYTHON=python3.12   the interpreter that .venv is made from (3.11 or newer)
#           TORCH=cpu           a build from PyTorch's own wheel index: cpu, cu126, cu130 ...
#           PROFILE=laptop      the size that `make tutorial` runs at: smoke, laptop, gpu
#           ONLY=00_start_here  one notebook; WORKERS=4 test processes
#           OFFLINE=1           `make test` in a room without a network but loopback (Linux)

SHELL := /bin/bash
PYTHON ?= python3
PROFILE ?= smoke
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 4 ] && echo 4 || echo $$n)
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
EXTRAS := landmarks-dlib,face-alignment,backbones,photo,training,notebooks,test
ifdef TORCH
WHEELS := --extra-index-url https://download.pytorch.org/whl/$(TORCH)
endif

# $(call begin,what happens[,name of the command]): says it, and on the way out how long it took, also when it fails.
begin = printf '\n==> make $(or $(2),$@): %s\n' "$(1)"; \
  trap 's=$$?; printf "==> make $(or $(2),$@) %s after %d min %02d s\n" "$$([ $$s = 0 ] && echo done || echo FAILED)" $$((SECONDS / 60)) $$((SECONDS % 60)); exit $$s' EXIT; set -eo pipefail

.DEFAULT_GOAL := help
.PHONY: help setup test tutorial lab torture bench widgets outputs minutes student lock clean

help:  ## list the commands
	@echo "make ... (see the top of the Makefile for PYTHON=, TORCH=, PROFILE=, ONLY=)"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv from the lock file (about 1.5 minutes plus the downloads; nothing when it is up to date)
	@echo "==> make setup: $(VENV) is up to date"

$(READY): requirements.lock pyproject.toml
	@$(call begin,makes $(VENV) with $(PYTHON) and installs what requirements.lock pins; about 1.5 minutes plus 0.7 GB of downloads,setup); \
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v >= (3, 11) else "tlk needs Python 3.11 or newer, and $(PYTHON) is %d.%d: make setup PYTHON=python3.12" % v)'; \
	$(if $(TORCH),$(PYTHON) -c 'import urllib.request as u; u.urlopen("https://download.pytorch.org/whl/$(TORCH)/torch/", timeout=20)' 2> /dev/null || { echo "PyTorch's wheel index has no build $(TORCH) or cannot be reached from here: make setup without TORCH takes torch from PyPI"; exit 1; }; )\
	[ -x $(PY) ] || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "no virtual environment could be made; on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }; \
	$(PY) -m pip install --progress-bar off --disable-pip-version-check $(WHEELS) -r requirements.lock | sed -uE '/^(Looking|Requirement already|Successfully|  )/d; s/^Installing collected.*/Installing them all/'; \
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=compat --editable . > $(VENV)/install.log 2>&1 || { cat $(VENV)/install.log; exit 1; }; \
	$(PY) -c 'import cv2' || { echo "OpenCV does not load: on Debian and Ubuntu, apt-get install libgl1 libglib2.0-0"; exit 1; }; \
	$(PY) -c 'import torch, tlk; print("tlk", tlk.__version__, "with torch", torch.__version__, "on", "a GPU" if torch.cuda.is_available() else "the CPU")'; \
	touch $@

test: $(READY)  ## set up and run every test and every notebook (no GPU, no network needed)
	@$(call begin,runs the tests and the notebooks' checks in $(WORKERS) processes; about 18 minutes on 2 cores and 25 to 29 where something else runs beside it); \
	OMP_NUM_THREADS=1 $(if $(OFFLINE),$(PY) -m tests.namespaces) $(PY) -m pytest tests notebooks --ignore tests/benchmarks -n $(WORKERS) --dist loadfile -q --durations 8 --benchmark-disable \
	  --nbval-lax --nbval-current-env --nbval-cell-timeout 600 $(ARGS)

tutorial: $(READY)  ## set up and run the notebooks into runs/, as .ipynb and .html, with the videos
	@$(call begin,runs the notebooks at PROFILE=$(PROFILE) into runs/; at most 20 minutes on 2 cores at smoke); \
	$(PY) notebooks/run.py --profile $(PROFILE) $(if $(ONLY),--only $(ONLY)) $(ARGS)

lab: $(READY)  ## open JupyterLab on the notebooks
	@$(call begin,opens JupyterLab on notebooks/ at the address below; Ctrl-C stops it and its kernels); \
	$(PY) -m jupyterlab -y --log-level=ERROR --ServerApp.root_dir=notebooks '--LabApp.app_settings_dir=$(CURDIR)/notebooks/.lab' $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

torture: $(READY)  ## damaged inputs, kills in the middle of long work, full disks: all of them (make test has a sample)
	@$(call begin,damages inputs and kills long work; about 15 minutes); \
	OMP_NUM_THREADS=1 $(PY) -m tests.torture $(ARGS)

bench: $(READY)  ## measure speed on this machine and print it as a table
	@$(call begin,measures speed; keep the machine otherwise idle for about 5 minutes); \
	TLK_TYPECHECK=0 $(PY) -m pytest tests/benchmarks --benchmark-only --benchmark-quiet -q -p no:xdist -o timeout=1200 $(ARGS)

widgets: $(READY)  ## run the notebooks with widgets TIMES times in a row (20: about 2 hours); whatever hangs for 5 minutes, or fails, ends it
	@$(call begin,runs $(or $(ONLY),01 05 06 07 08 09) $(or $(TIMES),20) times into runs/widgets); \
	$(PY) notebooks/run.py --profile smoke --runs runs/widgets --execution-timeout 300 --times $(or $(TIMES),20) $(addprefix --only ,$(or $(ONLY),01 05 06 07 08 09)) $(ARGS)

outputs: $(READY)  ## run the notebooks and keep their pictures and numbers in the committed files
	@$(call begin,runs the notebooks and writes their outputs back into notebooks/); \
	$(PY) notebooks/run.py --profile smoke --keep $(if $(ONLY),--only $(ONLY)) $(ARGS)

minutes: $(READY)  ## write measured minutes, memory and badges into the notebooks and the tables (after make outputs)
	@$(call begin,writes what runs/record.json measured into notebooks/ and the README); \
	$(PY) notebooks/minutes.py $(ARGS)

student: $(READY)  ## write the students' copies of the notebooks into student/: no solutions, checks locked
	@$(call begin,writes the students' copies into student/); \
	$(PY) notebooks/student.py $(ARGS)

lock:  ## choose the newest versions that pyproject.toml allows and pin them (then make test)
	@$(call begin,resolves pyproject.toml in a fresh environment and writes requirements.lock); \
	rm -rf build/lock; $(PYTHON) -m venv build/lock; build/lock/bin/pip install -q --progress-bar off $(WHEELS) 'torch==2.13.0' '.[$(EXTRAS)]' 'setuptools>=77'; \
	{ grep '^#' requirements.lock; build/lock/bin/pip freeze --all --exclude pip --exclude tlk | sed 's/+.*//' | sort -f; } > build/requirements.lock; \
	mv build/requirements.lock requirements.lock; rm -rf build/lock

clean:  ## remove runs/ and the caches of the tests; .venv stays
	@$(call begin,removes runs/ and the tests' caches); \
	rm -rf runs build dist .pytest_cache .benchmarks; find tlk tests notebooks data_scripts -name __pycache__ -prune -exec rm -rf {} +
