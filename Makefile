# Python 3.11+ with its venv module, git and make are all that these need.
RUN := .ci/environment
COMPILE := uv pip compile pyproject.toml --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header

export PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help demo test prove bench lint lock clean

help: ## print this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 8

demo: ## generate the demo project, train it, serve it, play three pull requests, and release the better one
	@$(RUN) python demo/demo.py

# Two workers on two cores: a model that is fitted with more threads would have them wait for each other. Tests of one
# group, such as those of the one image, stay in one worker.
test: lint ## lint, check types and run all tests
	OMP_NUM_THREADS=1 $(RUN) pytest -n 2 --dist loadgroup --timeout 900 --durations 25 -m "not prove"

prove: ## run the long proofs that `make test` leaves out
	$(RUN) pytest --durations 25 -m prove

bench: ## print how long generating, training, a pull request, a release, comparing and building the image take
	@$(RUN) python demo/bench.py
	@$(RUN) python benchmarks/engine.py --peer
	@$(RUN) python benchmarks/serving.py
	@$(RUN) python benchmarks/image.py

# Ruff is told its configuration, else it would read the template's pyproject.toml, which is TOML only once rendered.
lint: ## check style, formatting and types
	$(RUN) ruff check --config pyproject.toml
	$(RUN) ruff format --check --config pyproject.toml
	$(RUN) mypy

lock: ## raise both lock files to the newest releases within the bounds of pyproject.toml
	$(RUN) $(COMPILE) --upgrade --group test --output-file requirements-test.lock
	$(RUN) $(COMPILE) --upgrade --constraints requirements-test.lock --output-file requirements.lock

clean: ## remove everything that the other targets made
	rm -rf .venv .uv .demo .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
