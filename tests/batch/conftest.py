"""A store of objects, and pictures that are cut out for real."""

from __future__ import annotations

import io
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image
from skimage import data


@pytest.fixture(scope="session")
def photo():
    """Return the file of a small real photo; each number is another crop."""

    def make(number: int = 0, side: int = 96) -> bytes:
        person, left, top = Image.fromarray(data.astronaut()), 7 * (number % 20), number // 20
        with io.BytesIO() as written:
            cut = person.crop((left, top, left + 350, top + 350))
            cut.resize((side, side)).save(written, "JPEG", quality=92)
            return written.getvalue()

    return make


@dataclass(frozen=True)
class ObjectStore:
    """A running S3 server with a bucket `shop`, and a client that is not ours."""

    client: Any
    bucket: str = "shop"

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ())
        return sorted(one["Key"] for one in found)


@pytest.fixture
def s3(monkeypatch):
    """Moto's server of Amazon's S3 on this machine, reached as the real one is."""
    moto_server = pytest.importorskip("moto.server")
    import boto3

    from maskworks.batch import urls

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    secret = "s3cr3t-of-the-test"
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST",
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    urls.store_of.cache_clear()
    _forget_sessions()
    client = boto3.client("s3")
    client.create_bucket(Bucket="shop")
    yield ObjectStore(client)
    urllib.request.urlopen(f"http://{host}:{port}/moto-api/reset", data=b"")
    server.stop()
    urls.store_of.cache_clear()
    _forget_sessions()


def _forget_sessions() -> None:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
