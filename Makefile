# The verbs of the house; tools/house does the work and needs nothing but Python's standard library.
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: demo test lint format wheels bench clean help

demo test lint format wheels bench clean help:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing: install python3" >&2; exit 2; }
	@$(PYTHON) -B -m tools.house $@
