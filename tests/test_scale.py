"""The simulation of many workers: right where the answer is known, and the examples lint."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import scale
import yaml
from scale import Site, services_of, simulate

NOTHING = Site(page_s=0, head_s=0, latency_s=0, bytes_in=0, bytes_out=0)


@pytest.mark.parametrize("workers", [1, 4])
def test_workers_alone_share_the_work(workers):
    found = simulate(workers, 40, [0.5], NOTHING)
    assert found.seconds == pytest.approx(20 / workers)
    assert (found.busy["cores"], found.bound) == (pytest.approx(1), "cores")


@pytest.mark.parametrize(
    ("site", "hourly", "bound"),
    [
        ({"head_s": 0.01}, 360_000, "head"),
        ({"database_s": 0.08, "database_lines": 4}, 180_000, "database"),
        ({"page_s": 10.0, "page_keys": 100}, 36_000, "listing"),
        ({"bytes_in": 1e6, "store_bytes_s": 50e6}, 180_000, "store's line"),
    ],
)
def test_what_is_too_narrow_bounds_a_thousand_workers(site, hourly, bound):
    given = {"page_s": 0, "head_s": 0, "latency_s": 0, "bytes_in": 0, "bytes_out": 0} | site
    found = simulate(1000, 5000, [0.1], Site(**given))
    assert found.hourly == pytest.approx(hourly, rel=0.05)
    assert found.bound == bound


def test_every_photo_is_done_once_and_the_dice_fall_alike():
    twice = [simulate(7, 500, [0.1, 0.2, 0.4], Site()) for _ in range(2)]
    assert twice[0] == twice[1]


def test_the_model_is_held_against_a_measured_run(tmp_path, capsys):
    rows = [{"output": "x", "seconds": {"read": 0.1, "segment": 0.4, "write": None}}] * 8
    rows.append({"output": None, "seconds": {"read": 9.0}})
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert services_of(manifest) == [0.5] * 8
    call = ["--check", str(manifest), "--workers", "2", "--wall"]
    assert scale.main([*call, "2.05"]) == 0
    assert "2.0 s simulated, 2.0 s measured" in capsys.readouterr().out
    assert scale.main([*call, "3"]) == 1


def test_cost_of_a_thousand_photos_is_as_by_hand():
    cloud = scale.Cloud(name="c", read="today", core_hour=0.36, get_1000=0.1, put_1000=1.0)
    assert scale.cost(cloud, 3600) == pytest.approx(1000 / 3600 * 0.36 + 0.1 + 1.001)


EXAMPLES = ["cluster.yaml", "rayjob.yaml"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_clean_yaml(root, name):
    rules = "{extends: default, rules: {line-length: {max: 140}, braces: {max-spaces-inside: 1}}}"
    path = root / "examples/ray" / name
    linted = subprocess.run(
        [sys.executable, "-m", "yamllint", "--strict", "-d", rules, path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


def test_the_cluster_fits_ray_s_own_schema(root):
    """Ray brings the schema of a cluster file along, and checks it with jsonschema."""
    pytest.importorskip("ray")
    from pathlib import Path

    import jsonschema
    import ray.autoscaler

    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    cluster = yaml.safe_load((root / "examples/ray/cluster.yaml").read_text())
    jsonschema.validate(cluster, schema)
    types = set(cluster["available_node_types"])
    assert cluster["head_node_type"] in types
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(cluster | {"max_wokers": 3}, schema)


def test_the_job_says_all_that_a_ray_job_needs(root):
    job = yaml.safe_load((root / "examples/ray/rayjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    spec = job["spec"]["rayClusterSpec"]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        assert container["resources"]["limits"] == container["resources"]["requests"]
    assert "--backend ray --address auto" in job["spec"]["entrypoint"]
    least, most = (spec["workerGroupSpecs"][0][f"{end}Replicas"] for end in ("min", "max"))
    assert least <= spec["workerGroupSpecs"][0]["replicas"] <= most
