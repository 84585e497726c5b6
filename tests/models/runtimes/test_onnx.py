from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

from maskworks.core.errors import ModelError, NetworkError, ProviderError, UsageError
from maskworks.models.runtimes.onnx import PROVIDERS, open_onnx


def batch(rng, side=8):
    return rng.random((1, 3, side, side), dtype=np.float32)


def test_open_onnx_gives_a_callable_with_every_output(rng, tiny):
    network = open_onnx(tiny(gain=2.0, bias=0.5, scores=True))
    x = batch(rng)
    matte, confidence, presence = network(x)
    wanted = x.mean(axis=1, keepdims=True) * 2 + 0.5
    assert np.abs(matte - wanted).max() < 1e-6
    assert (confidence.shape, presence.shape) == ((1,), (1,))
    assert abs(presence[0] - wanted.max()) < 1e-6


def test_open_onnx_takes_half_precision_inputs(rng, tiny):
    x = batch(rng)
    (matte,) = open_onnx(tiny(kind=TensorProto.FLOAT16))(x)
    assert np.abs(matte - x.mean(axis=1, keepdims=True)).max() < 1e-2


def test_a_network_may_be_called_by_several_threads(rng, tiny):
    network = open_onnx(tiny(), threads=1)
    batches = [batch(rng) for _ in range(32)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(network, batches))
    for x, (matte,) in zip(batches, answers, strict=True):
        assert np.abs(matte - x.mean(axis=1, keepdims=True)).max() < 1e-6


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_a_provider_that_is_not_there_is_an_error(tiny, provider):
    if PROVIDERS[provider] in ort.get_available_providers():
        open_onnx(tiny(), provider=provider)
        return
    with pytest.raises(ProviderError, match=rf"'{provider}' is not available here, only .*cpu"):
        open_onnx(tiny(), provider=provider)


def test_an_unknown_provider_is_an_error(tiny):
    with pytest.raises(ProviderError, match="'gpu' is not available here, only"):
        open_onnx(tiny(), provider="gpu")


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_any_number_of_threads_gives_the_same(rng, tiny, threads):
    x = batch(rng)
    (matte,) = open_onnx(tiny(), threads=threads)(x)
    assert np.abs(matte - x.mean(axis=1, keepdims=True)).max() < 1e-6


def test_a_negative_number_of_threads_is_an_error(tiny):
    with pytest.raises(UsageError, match="threads must be 0"):
        open_onnx(tiny(), threads=-1)


@pytest.mark.parametrize(
    "content", [b"", b"<html>no</html>", bytes(1000)], ids=["empty", "html", "zeros"]
)
def test_a_file_that_is_no_network_is_an_error(tmp_path, content):
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken.onnx: .*cannot open it"):
        open_onnx(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"no such file.*models pull"):
        open_onnx(tmp_path / "gone.onnx")


def test_a_network_of_two_inputs_is_an_error(tiny):
    with pytest.raises(ModelError, match=r"takes 2 inputs \(input, input1\), a picture is one"):
        open_onnx(tiny(inputs=2))


def test_a_batch_of_the_wrong_size_is_an_error(rng, tiny, capfd):
    network = open_onnx(tiny(side=16))
    with pytest.raises(NetworkError, match=r"'tiny': ONNX Runtime failed .*Got: 8 Expected: 16"):
        network(batch(rng))
    assert capfd.readouterr().err.count("\n") <= 2
