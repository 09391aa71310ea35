#!/bin/sh
# Says in one sentence which system packages are missing, before anything else is tried.
# Usage: check_host.sh <python>      (ROS_DISTRO set: a sourced ROS 2 is used, otherwise wheels)
set -u
python="$1"
missing=""
need() { missing="$missing $1"; }

command -v cmake >/dev/null 2>&1 || need cmake
command -v g++ >/dev/null 2>&1 || need g++

if ! command -v "$python" >/dev/null 2>&1; then
  need "$python"
  need "$python-venv"
  need "$python-dev"
else
  short=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
  case "${ROS_DISTRO:-}$short" in
    python3.11 | python3.12 | python3.13 | python3.14) ;;
    python*)
      echo "bharnet_ros: $python is $short, but the locked packages exist for Python 3.11 to 3.14;" \
        "install one of these and name it (PYTHON=python3.13), or source a ROS 2 installation." >&2
      exit 1
      ;;
  esac
  "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || need "$short-venv"
  header=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
  [ -f "$header" ] || need "$short-dev"
fi

if [ -n "${ROS_DISTRO:-}" ]; then
  command -v colcon >/dev/null 2>&1 || need python3-colcon-common-extensions
fi

if [ -n "$missing" ]; then
  echo "bharnet_ros: this machine lacks:$missing; install with 'sudo apt install$missing' and try again." >&2
  exit 1
fi
