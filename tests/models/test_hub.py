"""What other libraries have fetched is found before anything is said to be missing."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from maskworks.apps.cli.main import main
from maskworks.core.errors import ChecksumError, DownloadError, ModelError, UsageError
from maskworks.models.checksum import digest
from maskworks.models.hub import licence_of, pull_hub
from maskworks.models.model_folder import folder_of
from maskworks.models.segmenters import load_segmenter

NAME = "hf:owner/some-model"


@pytest.fixture
def hub(tmp_path, monkeypatch, cache):
    """The snapshots of a model in an empty cache of huggingface_hub, offline."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    folder = tmp_path / "hub/models--owner--some-model"
    (folder / "snapshots").mkdir(parents=True)
    return folder


def snapshot(folder, name, **files):
    made = folder / "snapshots" / name
    made.mkdir()
    for file, text in files.items():
        (made / file).write_text(text)
    return made


def test_model_in_the_cache_of_hugging_face_is_used_where_it_lies(hub):
    snapshot(hub, "old", config="{}")
    main_one = snapshot(hub, "new", config="{}")
    (hub / "refs").mkdir()
    (hub / "refs/main").write_text("new")
    assert folder_of(NAME) == main_one
    assert pull_hub(NAME) == main_one


def test_own_folder_comes_before_the_cache(hub, cache):
    snapshot(hub, "new", config="{}")
    own = cache / "hub/owner/some-model"
    own.mkdir(parents=True)
    assert folder_of(NAME) == own


def test_what_is_nowhere_is_said_with_both_places(hub):
    with pytest.raises(DownloadError, match="MASKWORKS_OFFLINE forbids"):
        pull_hub(NAME)
    with pytest.raises(ModelError, match=f"and in {hub.parent}"):
        load_segmenter(NAME)


@pytest.mark.parametrize(
    ("files", "licence"),
    [
        pytest.param({"README.md": "---\nlicense: apache-2.0\n---\nx"}, "apache-2.0", id="readme"),
        pytest.param({"LICENSE.txt": "MIT"}, "in LICENSE.txt", id="file"),
        pytest.param({"README.md": "license: mit"}, "not stated", id="not-in-the-head"),
    ],
)
def test_licence_of_a_pulled_model_is_told(tmp_path, files, licence):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert licence_of(tmp_path).startswith(licence)


@pytest.fixture
def torch_cache(tmp_path, monkeypatch, cache):
    """A function that puts LR-ASPP's weights, drawn at random, into torch's own cache."""
    torch = pytest.importorskip("torch")
    models = pytest.importorskip("torchvision.models")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("MASKWORKS_OFFLINE", "1")
    checkpoints = tmp_path / "torch/hub/checkpoints"
    checkpoints.mkdir(parents=True)

    def put(*, stated=None):
        names = ["__background__", "cup", "N/A", "N/A"]
        build = models.segmentation.lraspp_mobilenet_v3_large
        net = build(weights=None, weights_backbone=None, num_classes=len(names))
        torch.save(net.state_dict(), checkpoints / "part")
        checksum = stated or digest(checkpoints / "part", "sha256")[:8]
        file = (checkpoints / "part").rename(checkpoints / f"lraspp-{checksum}.pth")
        found = SimpleNamespace(url=f"https://example.org/{file.name}", meta={"categories": names})
        monkeypatch.setattr(models, "get_model_weights", lambda _: SimpleNamespace(DEFAULT=found))

    return put


def test_torchvision_model_is_taken_from_torchs_cache_by_name(torch_cache, cache, capsys):
    torch_cache()
    assert main(["models", "pull", "torchvision:lraspp_mobilenet_v3_large"]) == 0
    assert "licence: BSD-3-Clause" in capsys.readouterr().out
    assert (cache / "hub/torchvision/lraspp_mobilenet_v3_large/model.safetensors").is_file()
    opened = load_segmenter("torchvision:lraspp_mobilenet_v3_large")
    assert opened.taxonomy.names == ("background", "cup", "unused 2", "unused 3")


def test_torchvision_file_of_another_checksum_is_refused(torch_cache):
    torch_cache(stated="00000000")
    from maskworks.models.torchvision_hub import pull_torchvision

    with pytest.raises(ChecksumError, match="00000000"):
        pull_torchvision("torchvision:lraspp_mobilenet_v3_large")


def test_torchvision_model_that_is_not_there_is_said(cache):
    pytest.importorskip("torchvision")
    from maskworks.models.torchvision_hub import pull_torchvision

    with pytest.raises(UsageError, match="choose one of torchvision:fcn_resnet50"):
        pull_torchvision("torchvision:resnet50")
    with pytest.raises(ModelError, match="maskworks models pull torchvision:fcn_resnet50"):
        load_segmenter("torchvision:fcn_resnet50")


def test_config_of_a_snapshot_is_read(hub):
    made = snapshot(hub, "new")
    (made / "config.json").write_text(json.dumps({"architectures": ["None"]}))
    with pytest.raises(ModelError, match=r"model\.safetensors: there is no such file"):
        load_segmenter(NAME)
