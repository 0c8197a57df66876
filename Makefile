# Every target but `help` needs Python 3.11+ and nothing else; the first run also needs the network.
.DEFAULT_GOAL := help
.PHONY: help run cluster test test-again compose-check check check-types check-rest bootstrap schemas text forward night audit services doctor backup restore recover boards bench chaos faults helm admission pictures mutation lock release clean

PYTHON ?= $(shell for each in python3.13 python3.12 python3.11 python3; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$each && break; done)
BOOTSTRAP = $(if $(PYTHON),$(PYTHON) -m infra.local.bootstrap,@echo "Safe Return needs Python 3.11 or later on the path" >&2; exit 1)
VENV = .venv/bin
WORKERS = --numprocesses 3 --dist loadfile --no-loadscope-reorder# three begin with what has to be alone (tests/support/engines/alone.py)

unexport PYTHONDONTWRITEBYTECODE # else each of the run's processes compiles the services and the tests anew

help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up and start everything on this machine. Ctrl-C stops it; its data is kept.
	@$(BOOTSTRAP)
	@exec $(VENV)/python -m infra.local run

cluster: ## Like `run`, with three Kafka brokers, two PostgreSQL servers under Patroni and two of each service.
	@$(BOOTSTRAP)
	@exec $(VENV)/python -m infra.local run --cluster

test: ## Check the code, then run every test; those that need a real stack share one.
	@$(BOOTSTRAP)
	@$(MAKE) --no-print-directory --jobs 2 check
	$(VENV)/python -m pytest $(WORKERS)

test-again: ## Run the tests that need no whole stack, and some that do, on another Python or as if it were another moment: make test-again ON=python3.13 AT="2028-02-28 23:58". Left out: the Python of .venv, the day's moment.
	@$(BOOTSTRAP)
ifdef ON
	@$(VENV)/python -m uv venv --quiet --clear --python '$(ON)' .local/again
	@$(VENV)/python -m uv pip sync --quiet --require-hashes --python .local/again/bin/python requirements.lock
endif
	$(if $(ON),.local/again,.venv)/bin/python -m tests.moments --as 'make test-again $(if $(ON),ON=$(ON) )AT=' $(if $(AT),--at '$(AT)') -- $(ONLY)

check: check-types check-rest ## Check format, lint, types, import rules, generated files and migrations; runs no test.

check-types: bootstrap
	$(VENV)/mypy

check-rest: bootstrap
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/lint-imports
	$(VENV)/python -m services schemas --check
	$(VENV)/python -m infra.grafana --check
	$(VENV)/python -m infra.postgres.migration_check

bootstrap:
	@$(BOOTSTRAP)

schemas: ## Render from the code and the rules: schemas/, Grafana's dashboards, docs/protocol/, and of docs/ disclosure.md, dpia.md, ladders.md, protocol.md, records-of-processing.md, requirements.md and safety-case.md.
	@$(BOOTSTRAP)
	$(VENV)/python -m services schemas
	$(VENV)/python -m infra.grafana

# Passed through the environment, unexpanded: an apostrophe would end the shell's quotes, and make would read $HOME as $H and OME.
unexport FROM BODY
text: export TEXT_FROM := $(value FROM)
text: export TEXT_BODY := $(value BODY)
text: ## Text Safe Return from a sandbox phone: make text FROM=+447700900100 BODY=MISSING
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local text

forward: ## Move story time forward to watch escalations: make forward BY=30m
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local forward '$(BY)'

night: ## Play the fortnights of two towns on the rules: whom they wake and why, and what comes late. Sends nothing.
	@$(BOOTSTRAP)
	@$(VENV)/python -m services simulate --town services/handbook/stories/towns/spring.yaml || true
	@$(VENV)/python -m services simulate --town services/handbook/stories/towns/autumn.yaml || true

audit: ## Query the audit record: make audit DO=verify, DO=gaps, DO="pack EPISODE", DO=anchor
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local audit $(DO)

services: ## Run a services command with the running settings: make services DO="accounts reset NAME", DO=dead-letters
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local services $(DO)

doctor: ## Try all that each running service depends on: a line each, green, or the cause and the page that mends it.
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local doctor

backup: ## Copy the database into .local/backups while everything runs.
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local backup

restore: ## Like `run`, but start from a backup; there must be no database yet: make restore FROM=file
	@$(BOOTSTRAP)
	@exec $(VENV)/python -m infra.local run --copy '$(FROM)'

recover: ## Restore the stopped database to a moment, from the copies that `run` keeps: make recover AT=2026-11-27T12:00:00Z
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.local recover --moment '$(AT)'

boards: ## Draw the dashboards as Grafana would, to look at: make boards PROMETHEUS=http://127.0.0.1:9090. Fetches 420 MB with npm once.
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.grafana.drawing --prometheus '$(PROMETHEUS)'

pictures: ## Take the guide's pictures of a `make run` where a child was reported missing: make pictures PROMETHEUS=http://127.0.0.1:9090
	@$(BOOTSTRAP)
	@$(VENV)/python -m infra.grafana.drawing.pictures --prometheus '$(PROMETHEUS)'

compose-check: ## Follow docs/operating.md in containers: build, start, report, restart, upgrade, back up, restore. Skips without a Docker engine.
	@$(BOOTSTRAP)
	$(VENV)/python -m pytest -rs tests/compose

bench: ## Measure decisions a second, time from report to police desk (with three peers for comparison), notices a second, the effect of a hanging force, and time to answer a text.
	@$(BOOTSTRAP)
	$(VENV)/python -m tests.bench.deciding
	$(VENV)/python -m tests.bench
	$(VENV)/python -m tests.bench.inbound

chaos: ## Kill everything at random while 200 reports flow and 10,000 texts come in; count anything lost or doubled.
	@$(BOOTSTRAP)
	DIE_EVERYWHERE=1 $(VENV)/python -m pytest tests/chaos/test_crash_at_every_step.py
	$(VENV)/python -m tests.chaos
	TEXTS=10000 $(VENV)/python -m pytest -s tests/chaos/test_kills_while_texts_come_in.py
	SILENCE=1 $(VENV)/python -m pytest tests/chaos/test_silence_of_a_text_provider.py

faults: ## Hurt a cluster in every way while reports flow: FAULTS="lose-two-brokers ..." for some, FAULT_REPORTS=1120 FAULT_EVERY_SECONDS=0.42 for 20,000 in all. .local/faults.md keeps what was found.
	@$(BOOTSTRAP)
	FAULT_REPORTS=$${FAULT_REPORTS:-20} $(VENV)/python -m pytest -s tests/cluster/test_faults.py

helm: ## Install helm with Go into .local/helm; the tests then render infra/chart/ and check it against Kubernetes' schemas.
	GOBIN=$(CURDIR)/.local/helm go install helm.sh/helm/v4/cmd/helm@v4.3.1

KINDS_OF = github.com/prometheus-operator/prometheus-operator@v0.85.0 github.com/cloudnative-pg/plugin-barman-cloud@v0.15.0
admission: ## Build a Kubernetes API server with Go into .local/kubernetes (ten minutes, once); the tests then have it admit infra/chart/.
	mkdir -p .local/kubernetes/kinds && cp infra/chart-admission/go.mod .local/kubernetes/
	cd infra/chart-admission && GOFLAGS=-mod=mod go build -trimpath -ldflags '-s -w' -modfile=$(CURDIR)/.local/kubernetes/go.mod -o $(CURDIR)/.local/kubernetes/kube-apiserver .
	for each in $(KINDS_OF); do \
		folder=$$(go mod download -json $$each | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
		find $$folder/config/crd/bases $$folder/example/prometheus-operator-crd -regex '.*_\(objectstores\|podmonitors\|probes\|prometheusrules\).yaml' -exec install -m 644 -t .local/kubernetes/kinds {} + 2>/dev/null || true; \
	done

mutation: ## Mutation testing: make every small change to the engine and count those that no test notices. Takes an hour.
	@$(BOOTSTRAP)
	@$(VENV)/python -m uv venv --quiet --allow-existing --python $(VENV)/python .local/mutation
	@$(VENV)/python -m uv pip install --quiet --python .local/mutation/bin/python mutmut==3.8.1
	@$(VENV)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
		"$$(.local/mutation/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/ours.pth"
	@if [ -d mutants ]; then find mutants/services -name '*.yaml' -delete; fi # mutmut does not refresh rules that it has copied
	.local/mutation/bin/mutmut run $(ONLY)
	.local/mutation/bin/mutmut results

lock: ## Lock the newest versions that pyproject.toml allows and Kafka's jars, with hashes, and list what the images are made of (infra/supply).
	@$(BOOTSTRAP)
	$(VENV)/python -m uv pip compile --group build --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet --output-file infra/local/build.lock
	$(VENV)/python -m uv pip compile pyproject.toml --all-extras --group local --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --upgrade --quiet --output-file requirements.lock
	$(VENV)/python -m uv pip compile pyproject.toml --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file infra/docker/requirements.lock
	$(VENV)/python -m uv pip compile pyproject.toml --all-extras --constraint requirements.lock --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file infra/docker/key-services.lock
	@$(BOOTSTRAP)
	$(VENV)/python -m infra.supply.bill_of_materials
	$(VENV)/python -m infra.kafka.jars

release: ## Cut a release: write the version everywhere, date the changes, commit and tag: make release VERSION=0.3.0
	@$(PYTHON) -m infra.supply.release '$(VERSION)'

clean: ## Delete the data of a stopped `make run`: database, bus, secrets, environment. Backups stay.
	@$(subst bootstrap,cleanup,$(BOOTSTRAP))
	rm -rf .venv .venv.lock
