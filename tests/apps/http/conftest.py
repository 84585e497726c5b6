"""A real server in a thread, on a free port of this machine, and pictures to send to it."""

from __future__ import annotations

import itertools
import re
import shutil
import socket
import threading
import time
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from maskworks.apps.http.app import create_app
from maskworks.apps.http.serving import config_of
from maskworks.apps.http.settings import ServerSettings
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.run.run import CampaignRun, RunListener, run_campaign
from maskworks.studio.store import database_beside, open_store
from maskworks.studio.store.keys import Allowance, add_key

NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def _models(home):
    """Give every test the models `bright` and `plain`."""


class Running:
    """A server that listens; `client` calls it."""

    def __init__(self, settings: ServerSettings):
        self.settings = settings
        self.app = create_app(settings)
        self.service = self.app.state.service
        self._socket = socket.create_server((settings.host, 0))
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = uvicorn.Server(config_of(self.app, settings))
        self._thread = threading.Thread(
            target=self.server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        until = time.monotonic() + 20
        while not self.server.started:
            assert time.monotonic() < until, "the server does not start"
            time.sleep(0.01)
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def stop(self) -> None:
        self.client.close()
        self.server.should_exit = True
        self._thread.join(30)
        self._socket.close()
        assert not self._thread.is_alive(), "the server does not stop"

    def key(self, *scopes: str, name: str = "shop", **limits: float) -> str:
        """Make a key and return its secret."""
        given = Allowance(scopes=scopes or ("cut",), **limits)
        return add_key(self.service.store, name, given)[1]


@pytest.fixture(scope="session")
def service_template(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("service") / "template.db"
    open_store(path).close()
    return path


@pytest.fixture
def starting(service_template, tmp_path):
    """A function that starts a server with other settings than the usual ones."""
    running = []

    def start(**changes) -> Running:
        data = tmp_path / f"data{next(NUMBERS)}"
        data.mkdir()
        usual = ServerSettings(data=data, model="bright", threads=1)
        settings = replace(usual, **changes)
        if settings.database is None:
            shutil.copy(service_template, settings.data / "service.db")
        running.append(Running(settings))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture(scope="session")
def _shared(service_template, tmp_path_factory):
    data = tmp_path_factory.mktemp("shared")
    shutil.copy(service_template, data / "service.db")
    running = Running(ServerSettings(data=data, model="bright", threads=1))
    yield running
    running.stop()


@pytest.fixture
def server(_shared) -> Running:
    """One server that many tests use."""
    return _shared


@dataclass(frozen=True)
class Drawn:
    """A picture with a bright rectangle (top, left, bottom, right) on black."""

    data: bytes
    box: tuple[int, int, int, int]


@pytest.fixture(scope="session")
def draw():
    """A function that draws: `draw(120, 160, (30, 40, 90, 120), form="JPEG", level=250)`."""

    def drawn(height=120, width=160, box=(30, 40, 90, 120), *, form="PNG", level=250) -> Drawn:
        pixels = np.full((height, width, 3), 5, np.uint8)
        pixels[box[0] : box[2], box[1] : box[3]] = level
        written = BytesIO()
        Image.fromarray(pixels).save(written, form)
        return Drawn(written.getvalue(), box)

    return drawn


@pytest.fixture
def photo(draw) -> Drawn:
    return draw()


@pytest.fixture(scope="session")
def opened():
    """A function that opens an encoded picture."""
    return lambda data: Image.open(BytesIO(data))


@dataclass(frozen=True)
class Reviewed:
    """A campaign of four pictures, all in review, at a server."""

    server: Running
    store: object
    campaign: object
    out: Path


@pytest.fixture(scope="session")
def _campaign_template(tmp_path_factory, draw, model_home) -> Path:
    folder = tmp_path_factory.mktemp("campaign") / "spring"
    (folder / "photos").mkdir(parents=True)
    for number in range(4):
        drawn = draw(120, 160, (30, 40, 90, 120), level=180 + 20 * number)
        (folder / f"photos/p{number}.png").write_bytes(drawn.data)
    (folder / "campaign.toml").write_text(
        '[campaign]\nname = "spring"\n[input]\nfolder = "photos"\nmodel = "bright"\n'
        "[quality]\ndeliver_at = 1.0\n[cost]\nmanual = 22\nautomated = 3.4\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKWORKS_HOME", str(model_home))
        file = read_campaign(folder)
        with open_store(database_beside(file.path)) as store:
            run_campaign(
                CampaignRun(file=file, store=store, stop=threading.Event(), threads=1),
                RunListener(),
            )
    return folder


@pytest.fixture
def campaign_folder(tmp_path, _campaign_template) -> Path:
    """A campaign of four pictures, all in review."""
    return Path(shutil.copytree(_campaign_template, tmp_path / "spring"))


@pytest.fixture
def reviewed(starting, campaign_folder) -> Reviewed:
    server = starting(campaigns=(campaign_folder,))
    opened_campaign = server.service.campaigns.find("spring")
    return Reviewed(
        server, opened_campaign.store, opened_campaign.campaign, campaign_folder / "spring-out"
    )


class Desk:
    """A logged-in reviewer at a campaign."""

    def __init__(self, server, campaign, who="Ana", **form):
        self.client = httpx.Client(base_url=server.url, timeout=30, follow_redirects=True)
        answer = self.client.post("/review/login", data={"who": who, **form})
        assert answer.status_code == 200, answer.text
        self.base = f"/review/c/{campaign}"
        self.page = self.client.get(self.base).text
        self.csrf = re.search(r'name="csrf" content="(\w+)"', self.page)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def post(self, number, what, **fields):
        headers = {"X-CSRF-Token": self.csrf}
        return self.client.post(f"{self.base}/items/{number}/{what}", json=fields, headers=headers)

    def take(self, number):
        return self.post(number, "lease").json()["lease"]

    def standing(self):
        return self.client.get(f"{self.base}/standing").json()

    def items(self, **choice):
        return self.client.get(f"{self.base}/items", params=choice).json()["items"]


@pytest.fixture
def sit_down():
    """What seats somebody at the review page of a server: `sit_down(server, campaign, who)`."""
    return Desk
