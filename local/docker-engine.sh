#!/usr/bin/env bash
# docker-engine.sh FOLDER: a Docker engine of our own, and the base image that SAM runs functions in, for a Debian
# machine where we are root and no engine is. The image is made of Debian's own Python and awslambdaric, so that
# nothing is pulled from anywhere. What is already there is kept; `local/engine.py` stops the engine.
set -euo pipefail

FOLDER=$(mkdir -p "${1:?usage: docker-engine.sh FOLDER}" && cd "$1" && pwd)
VERSION=3.13
PROCESSOR=$(uname -m)
case $PROCESSOR in
  aarch64) ARCHITECTURE=arm64 ;;
  *) ARCHITECTURE=x86_64 ;;
esac
IMAGE=public.ecr.aws/lambda/python:$VERSION-$ARCHITECTURE
ROOT=$FOLDER/root
export DOCKER_HOST=unix://$FOLDER/docker.sock

step() { echo "$* ..."; }

packages() {
  if ! command -v dockerd >/dev/null || ! command -v mmdebstrap >/dev/null; then
    step "Installing Debian's docker.io and mmdebstrap"
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends docker.io mmdebstrap; } >"$FOLDER/apt.log" 2>&1 ||
      { tail -5 "$FOLDER/apt.log"; exit 1; }
  fi
}

# Without rules for the firewall and without a way out: functions here reach this machine and nothing else.
engine() {
  docker version >/dev/null 2>&1 && return
  step "Starting the engine"
  setsid nohup dockerd --host "$DOCKER_HOST" --data-root "$FOLDER/data" --exec-root "$FOLDER/exec" \
    --pidfile "$FOLDER/docker.pid" --storage-driver overlay2 --iptables=false --ip6tables=false --ip-forward=false \
    --ip-masq=false >"$FOLDER/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 60); do
    docker version >/dev/null 2>&1 && return
    sleep 0.5
  done
  tail -5 "$FOLDER/dockerd.log"
  exit 1
}

# Debian's release that has this Python, laid out as Lambda's image is.
system() {
  step "Making the base image (once)"
  rm -rf "$ROOT"
  mmdebstrap -q --variant=essential --include=python3,ca-certificates,libstdc++6,tzdata trixie "$ROOT" \
    >"$FOLDER/mmdebstrap.log" 2>&1 || { tail -5 "$FOLDER/mmdebstrap.log"; exit 1; }
  mkdir -p "$ROOT"/var/lang/bin "$ROOT"/var/runtime "$ROOT"/var/task "$ROOT"/var/rapid "$ROOT"/opt
  for name in "python$VERSION" python3 python; do
    ln -sfn "/usr/bin/python$VERSION" "$ROOT/var/lang/bin/$name"
  done
}

runtime() {
  "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --no-compile --target "$ROOT/var/runtime" \
    --only-binary=:all: --implementation cp --python-version "$VERSION" \
    --platform "manylinux_2_28_$PROCESSOR" --platform "manylinux2014_$PROCESSOR" \
    --require-hashes --no-deps -r "$(dirname "${BASH_SOURCE[0]}")/runtime-requirements.txt"
  cat >"$ROOT/var/runtime/bootstrap.py" <<'PYTHON'
import os
import sys

# The search order is AWS's: the function, the layers, and what the runtime brings along last.
HERE = "/var/runtime"
LAYERS = ["/opt/python/lib/python%d.%d/site-packages" % sys.version_info[:2], "/opt/python"]
others = [path for path in sys.path if path != HERE]
sys.path[:] = [os.environ.get("LAMBDA_TASK_ROOT", "/var/task"), *LAYERS, *others, HERE]

from awslambdaric.__main__ import main

main([sys.argv[0], os.environ["_HANDLER"]])
PYTHON
  cat >"$ROOT/var/runtime/bootstrap" <<SHELL
#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python$VERSION
exec /var/lang/bin/python$VERSION /var/runtime/bootstrap.py
SHELL
  cat >"$ROOT/lambda-entrypoint.sh" <<'SHELL'
#!/bin/sh
export _HANDLER="$1"
exec /var/runtime/bootstrap
SHELL
  chmod 755 "$ROOT/var/runtime/bootstrap" "$ROOT/lambda-entrypoint.sh"
}

image() {
  tar -C "$ROOT" --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
    --exclude=./usr/share/doc --exclude=./usr/share/locale --exclude=./usr/share/man -c . |
    docker import -c 'ENV LANG=C.UTF-8' -c 'ENV PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin' \
      -c 'ENV LD_LIBRARY_PATH=/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib' \
      -c 'ENV LAMBDA_TASK_ROOT=/var/task' -c 'ENV LAMBDA_RUNTIME_DIR=/var/runtime' \
      -c 'WORKDIR /var/task' -c 'ENTRYPOINT ["/lambda-entrypoint.sh"]' - "$IMAGE" >/dev/null
  rm -rf "$ROOT"
}

packages
engine
if ! docker image inspect "$IMAGE" >/dev/null 2>&1; then
  system
  runtime
  image
fi
