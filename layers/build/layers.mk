# One target for each layer of template.yaml. SAM runs them in a copy of layers/, with ARTIFACTS_DIR set.
# Any Python 3.11 or newer with pip will do; python3.13 is looked for to compile with.
PYTHON ?= python3
LAYER = $(PYTHON) build/layer.py --into "$(ARTIFACTS_DIR)/python"

build-DepsLayer:
	$(LAYER) --requirements deps/requirements.txt --processor $(PROCESSOR)

build-MediaLayer:
	$(LAYER) --requirements media/requirements.txt --processor $(PROCESSOR)

build-CdnLayer:
	$(LAYER) --requirements cdn/requirements.txt --processor $(PROCESSOR)

build-CommonLayer:
	$(LAYER) --source common

build-SandboxLayer:
	$(LAYER) --source sandbox
