"""The lock files: what is installed by them is what was looked at, on every platform."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS = {
    "serve.lock": ("serve", "postgresql"),
    "dev.lock": None,  # every extra
}
PLATFORMS = [
    {"sys_platform": system, "platform_system": name, "platform_machine": machine,
     "python_version": python, "python_full_version": f"{python}.9",
     "implementation_name": "cpython", "platform_python_implementation": "CPython",
     "os_name": "nt" if name == "Windows" else "posix"}
    for system, name, machine in (
        ("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"),
        ("win32", "Windows", "AMD64"),
    )
    for python in ("3.11", "3.12", "3.13")
]  # fmt: skip
FIXED = {
    "starlette": "0.49.1",  # CVE-2025-62727
    "h11": "0.16",  # CVE-2025-43859
    "jinja2": "3.1.6",  # CVE-2025-27516
    "python-multipart": "0.0.22",  # CVE-2026-24486
    "pillow": "12.1.1",  # CVE-2026-25990, of PSD
    "pg8000": "1.31.5",  # CVE-2025-61385
    "torch": "2.6",  # CVE-2025-32434
}
"""The first version without a fault that concerns what is done with it here."""


def locked(root, name):
    """Return (requirement, digests) of every line of a lock file."""
    text = (root / "requirements" / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip()]
    return [
        (Requirement(line.partition("--hash")[0]), re.findall(r"--hash=sha256:(\S+)", line))
        for line in lines
    ]


def wanted(root, extras):
    """Return what pyproject asks for with these extras, those of ours inside others followed."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    offered = project["optional-dependencies"]
    waiting = list(project["dependencies"])
    waiting += [one for name in (offered if extras is None else extras) for one in offered[name]]
    found = []
    while waiting:
        one = Requirement(waiting.pop())
        if one.name == "maskworks":
            waiting += [inner for name in one.extras for inner in offered[name]]
        else:
            found.append(one)
    return found


def pins(root, name, platform):
    return {
        canonicalize_name(one.name): Version(next(iter(one.specifier)).version)
        for one, _ in locked(root, name)
        if one.marker is None or one.marker.evaluate(platform)
    }


@pytest.mark.parametrize("name", LOCKS)
def test_every_file_of_a_lock_has_its_digest(root, name):
    for one, digests in locked(root, name):
        assert str(one.specifier).startswith("=="), one
        assert digests, one
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests), one


@pytest.mark.parametrize("name", LOCKS)
def test_lock_holds_what_is_asked_for_on_every_platform(root, name):
    for platform in PLATFORMS:
        there = pins(root, name, platform)
        for one in wanted(root, LOCKS[name]):
            if one.marker is not None and not one.marker.evaluate(platform):
                continue
            version = there[canonicalize_name(one.name)]
            assert one.specifier.contains(version, prereleases=True), (one, version, platform)


@pytest.mark.parametrize("name", LOCKS)
def test_lock_and_constraints_name_the_same_versions(root, name):
    lines = (root / "constraints.txt").read_text().splitlines()
    constrained = {
        canonicalize_name(line.partition("==")[0]): Version(line.partition("==")[2])
        for line in lines
        if "==" in line
    }
    there = pins(root, name, PLATFORMS[0])
    assert {key: there[key] for key in there.keys() & constrained} == {
        key: constrained[key] for key in there.keys() & constrained
    }
    if LOCKS[name] is None:
        missing = set(constrained) - {canonicalize_name(one.name) for one, _ in locked(root, name)}
        assert missing == set()


def test_lower_bounds_lie_above_known_faults(root):
    for one in wanted(root, None):
        fixed = FIXED.get(canonicalize_name(one.name))
        if fixed is not None:
            (least,) = [each.version for each in one.specifier if each.operator == ">="]
            assert Version(least) >= Version(fixed), one


def test_known_faults_are_asked_for_weekly_and_by_a_target(root):
    workflow = (root / ".github/workflows/audit.yml").read_text()
    makefile = (root / "Makefile").read_text()
    for text in (workflow, makefile):
        assert "pip-audit" in text
        assert "--require-hashes --disable-pip -r requirements/dev.lock" in text
    assert "cron:" in workflow
