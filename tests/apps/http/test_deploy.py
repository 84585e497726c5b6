"""What docs/deploy.md and the Dockerfile tell people to run, held against what there is."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import sys
import tomllib

import pytest

LOCKED = ("serve", "postgresql")  # `requirements/lock.sh`
INSTRUCTIONS = {"ARG", "FROM", "COPY", "RUN", "USER", "ENV", "VOLUME", "EXPOSE", "HEALTHCHECK",
                "ENTRYPOINT", "CMD"}  # fmt: skip


@pytest.fixture
def steps(root):
    """The Dockerfile as (instruction, rest), lines that go on joined."""
    text = (root / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


@pytest.fixture
def page(root):
    return (root / "docs/deploy.md").read_text()


def one(steps, name):
    """The rest of the only step of a name."""
    (found,) = [rest for instruction, rest in steps if instruction == name]
    return found


def options_of(words):
    return {word.partition("=")[0] for word in words if word.startswith("--")}


@pytest.fixture(scope="module")
def known_options():
    """Every option of `maskworks serve`."""
    command = [sys.executable, "-m", "maskworks.apps.cli", "serve", "--help"]
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"COLUMNS": "200"}
    )
    return set(re.findall(r"--[a-z-]+", told.stdout))


def test_dockerfile_has_a_fixed_base_and_ends_without_rights(steps):
    names = [name for name, _ in steps]
    assert set(names) <= INSTRUCTIONS
    assert names[:2] == ["ARG", "FROM"]
    assert one(steps, "FROM") == "${BASE}"
    assert re.fullmatch(r"BASE=python:3\.\d+-slim@sha256:[0-9a-f]{64}", one(steps, "ARG"))
    assert one(steps, "USER") not in ("root", "0")
    assert names.index("USER") > names.index("RUN")
    for name in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(one(steps, name)), list), "as a list: signals reach it"


def test_dockerfile_copies_and_installs_what_there_is(steps, root):
    ignored = (root / ".dockerignore").read_text().splitlines()
    for name, rest in steps:
        if name == "COPY":
            *sources, _ = rest.split()
            for source in sources:
                assert (root / source).exists()
                assert f"!{source}" in ignored, "it would not be there"
    run = one(steps, "RUN")
    extras = re.search(r"/src\[([a-z,]+)\]", run)[1].split(",")
    offered = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(offered["optional-dependencies"])
    assert "--no-cache-dir" in run
    assert "--require-hashes -r /src/serve.lock" in run
    assert "--no-deps --no-build-isolation" in run, "nothing without a digest"
    assert set(extras) == set(LOCKED), "the lock holds what is installed"
    assert f"useradd --system --uid {one(steps, 'USER')} --create-home" in run
    owner = re.search(r"install -d -o (\w+) ", run)[1]
    assert f"--create-home {owner} " in run


def test_container_starts_with_options_there_are(steps, known_options):
    program, (verb, *words) = (json.loads(one(steps, name)) for name in ("ENTRYPOINT", "CMD"))
    assert [*program, verb] == ["maskworks", "serve"]
    assert options_of(words) <= known_options
    assert words[words.index("--data") + 1] == one(steps, "VOLUME")
    assert f"{one(steps, 'VOLUME')}/" in one(steps, "ENV")


def test_health_check_asks_the_port_that_is_served(steps, server):
    (_, words) = one(steps, "HEALTHCHECK").split(maxsplit=1)
    port = one(steps, "EXPOSE")
    python, *rest = json.loads(words)
    assert (python, f":{port}/" in rest[-1]) == ("python", True)
    here = [word.replace(f":{port}/", f":{server.port}/") for word in rest]
    assert subprocess.run([sys.executable, *here], check=False).returncode == 0
    away = [word.replace(f":{port}/", ":9/") for word in rest]
    done = subprocess.run([sys.executable, *away], check=False, capture_output=True)
    assert done.returncode != 0


def test_systemd_unit_starts_it_with_options_there_are(page, known_options):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read_string(re.search(r"```ini\n(.*?)```", page, re.DOTALL)[1])
    service = unit["Service"]
    program, verb, *words = shlex.split(service["ExecStart"])
    assert (program.rpartition("/")[2], verb) == ("maskworks", "serve")
    assert options_of(words) <= known_options
    assert service["StateDirectory"] in words[words.index("--data") + 1]
    assert float(service["TimeoutStopSec"]) > 60, "longer than a request may take"


def test_every_command_of_the_page_has_options_there_are(page, known_options):
    lines = re.findall(r"^\$ maskworks serve (.*)$", page, re.MULTILINE)
    assert len(lines) >= 2
    for line in lines:
        assert options_of(shlex.split(line)) <= known_options


def test_proxy_waits_longer_than_the_service(page):
    timeout = re.search(r"proxy_read_timeout (\d+)s;", page)[1]
    assert int(timeout) > 60
    assert page.count("{") == page.count("}"), "of the server's blocks"
