"""A real server in a thread, on a free port of this machine, and pictures to send to it."""

from __future__ import annotations

import http.server
import itertools
import os
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
from maskworks.studio.run.run import CampaignRun, RunListener, run_opened
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


@pytest.fixture
def receiver():
    """An HTTP server that keeps what it gets and answers with the statuses in `answers`."""
    got, answers = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            data = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((dict(self.headers), data))
            self.send_response(answers.pop(0) if answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        listening.got, listening.answers = got, answers
        yield listening
        listening.shutdown()
        thread.join()


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
            run_opened(
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


# ---------------------------------------------------------------- a browser


@pytest.fixture(scope="module")
def chromium():
    """A browser for the whole file, in a thread of its own: pytest's keeps its event loop."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        found, why = None, "pip install playwright for the tests of the review page"
    else:
        why = "Chromium was not found (Debian: apt-get install chromium)"
    if found is None:
        if os.environ.get("MASKWORKS_TEST_BROWSER") == "required":
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Person:
    """Somebody at the page; `problems` is what the browser complained of."""

    def __init__(self, chromium, server, who, **options):
        self.problems = []
        self.context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 800}, **options}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)  # other work may fill the machine
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.server = server
        answer = self.page.goto(f"{server.url}/review")
        assert answer.ok, f"{answer.status}: {self.page.content()}"
        self.page.fill("[name=who]", who)
        self.page.click("text=Begin")
        self.page.wait_for_url("**/review")

    def open(self, campaign="spring", query=""):
        self.page.goto(f"{self.server.url}/review/c/{campaign}{query}")
        self.page.wait_for_selector("body[data-shown]")
        return self

    @property
    def shown(self):
        return int(self.page.get_attribute("body", "data-shown"))

    def press(self, key):
        self.page.keyboard.press(key)

    def hears(self, text):
        self.page.wait_for_function(
            "text => document.getElementById('said').textContent.includes(text)", arg=text
        )

    def sees(self, number):
        self.page.wait_for_selector(f"body[data-shown='{number}']")

    def leaves(self, number):
        self.page.wait_for_function(f"() => document.body.dataset.shown !== '{number}'")

    def pixel(self, x, y):
        """The colour of the canvas at a share of its size, as (r, g, b, a)."""
        return self.page.evaluate(
            "([x, y]) => { const c = document.getElementById('canvas');"
            "return [...c.getContext('2d').getImageData(c.width * x, c.height * y, 1, 1).data]; }",
            [x, y],
        )


@pytest.fixture
def sitting(chromium):
    """A function that seats somebody at the page of a server."""
    people = []

    def seat(server, who, **options):
        people.append(Person(chromium, server, who, **options))
        return people[-1]

    yield seat
    for person in people:
        person.context.close()
    assert [p for person in people for p in person.problems] == []
