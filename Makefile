# Everything a newcomer needs: `make demo` to see it, `make test` to prove it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip would compile on one core, and what packages test themselves with, too. Templates
# that are no Python yet don't compile: that is no failure to pip, nor here.
PIP := $(BIN)/pip install -q --disable-pip-version-check --no-compile
COMPILE := $(BIN)/python -m compileall -q -j 0 -x /tests/ $(VENV)/lib >/dev/null 2>&1 || true

.PHONY: install install-dev demo test check fmt lock bench bench-check torture evaluate \
	fuzz sbom

$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r requirements/run.txt
	$(PIP) --no-deps -e .
	@$(COMPILE)
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/run.stamp
	$(PIP) --require-hashes -r requirements/dev.txt
	@$(COMPILE)
	@touch $@

install: $(VENV)/run.stamp

# Tests drive a real browser and read a real PostgreSQL; Debian's packages have both.
install-dev: $(VENV)/dev.stamp
	@{ command -v chromium && ls /usr/lib/postgresql/*/bin/initdb; } >/dev/null 2>&1 \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq \
		&& apt-get install -y -qq chromium fonts-dejavu-core postgresql >/dev/null; } \
		|| echo "no Chromium or PostgreSQL on this machine: their tests will say so"

demo: install
	$(BIN)/ringfence --workspace ringfence-demo demo $(DEMO)

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# More than there are cores: tests wait for servers and browsers, too.
# Each worker has databases and a browser of its own.
WORKERS ?= 3
test: check
	$(BIN)/pytest -m 'not torture' -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
		$(TESTS)

torture: check
	$(BIN)/pytest -m torture $(TESTS)

# Nightly: so many seconds for each target, by coverage.
FUZZ ?= 600
fuzz: install-dev
	$(PIP) --require-hashes -r requirements/fuzz.txt
	$(BIN)/python -m fuzz.run $(FUZZ)

# A CycloneDX bill of materials of what is shipped.
sbom: install-dev
	@mkdir -p dist
	$(BIN)/cyclonedx-py requirements requirements/run.txt --pyproject pyproject.toml \
		--output-reproducible --of JSON -o dist/ringfence.cdx.json

evaluate: install-dev
	$(BIN)/python -m benchmarks.evaluation $(EVALUATION)

bench: install-dev
	$(BIN)/python -m benchmarks.speed $(BENCH)

bench-check: install-dev
	$(BIN)/python -m benchmarks.speed --check $(BENCH)

fmt: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 pyproject.toml --group dev -o requirements/dev.txt
	uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 --group pyproject.toml:fuzz -o requirements/fuzz.txt
