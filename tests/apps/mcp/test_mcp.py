"""`maskworks mcp`, asked by the client of the `mcp` package, over a real pipe too."""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
from io import BytesIO

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from PIL import Image

from maskworks.apps.cli import main
from maskworks.apps.demo.photos import bundled
from maskworks.apps.mcp.campaigns import status_of
from maskworks.apps.mcp.root import Root
from maskworks.apps.mcp.server import build_server
from maskworks.core.errors import UsageError
from maskworks.studio.campaign.campaign_file import read_campaign
from maskworks.studio.store import database_beside, list_campaigns, list_reviews, open_store

CAMPAIGN = """\
[campaign]
name = "spring"
[input]
folder = "in"
model = "bright"
[quality]
deliver_at = 1.0
[cost]
manual = 22
automated = 3.4
"""


class Assistant:
    """A client of one server; `ask` calls a tool and returns its answer."""

    def __init__(self, server):
        self.server = server
        self.progress = []

    async def _heard(self, done, total, _message):
        self.progress.append((done, total))

    def run(self, work):
        async def session():
            with anyio.fail_after(300):
                async with Client(self.server) as client:
                    return await work(client)

        return anyio.run(session)

    def ask_raw(self, tool, **arguments):
        async def work(client):
            return await client.call_tool(tool, arguments, progress_callback=self._heard)

        return self.run(work)

    def ask(self, tool, **arguments):
        result = self.ask_raw(tool, **arguments)
        assert not result.is_error, result.content[0].text
        return json.loads(result.content[0].text)


@pytest.fixture
def assistant(tmp_path, home):
    return Assistant(build_server(Root.of(tmp_path), person="ana"))


async def _tools(client):
    return {tool.name: tool for tool in (await client.list_tools()).tools}


def test_the_client_sees_every_tool_with_its_description_and_what_it_does_to_files(
    assistant, tmp_path
):
    tools = assistant.run(_tools)
    assert set(tools) == {
        "cutout", "segment", "evaluate", "suitability", "sites", "models", "look",
        "campaign_status", "list_reviews", "decide",
    }  # fmt: skip
    assert all(len(tool.description) > 30 for tool in tools.values())
    reading = {name for name, tool in tools.items() if tool.annotations.read_only_hint}
    assert reading == {"evaluate", "models", "look", "campaign_status", "list_reviews"}
    assert set(tools["cutout"].input_schema["required"]) == {"inputs", "output"}
    assert "context" not in tools["cutout"].input_schema["properties"]
    only = Assistant(build_server(Root.of(tmp_path), person="ana", read_only=True))
    assert set(only.run(_tools)) == reading


def test_the_command_speaks_the_protocol_on_its_pipes_and_tells_what_goes_wrong(
    photos, tmp_path, home
):
    photos.write("a.png")
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "maskworks.apps.cli", "mcp", "--root", str(tmp_path)],
        env={**os.environ, "MASKWORKS_HOME": str(home)},
    )

    async def work(client):
        bad = await client.call_tool("cutout", {"inputs": ["../x.jpg"], "output": "out"})
        wrong = await client.call_tool("cutout", {"inputs": "no list", "output": "out"})
        model = await client.call_tool("segment", {"inputs": ["in"], "output": "l", "model": "x"})
        good = await client.call_tool("models", {})
        return bad, wrong, model, good

    bad, wrong, model, good = Assistant(stdio_client(command)).run(work)
    assert "usage: ../x.jpg: lies outside the root" in bad.content[0].text
    assert wrong.is_error
    assert model.is_error
    assert "Traceback" not in "".join(r.content[0].text for r in (bad, wrong, model))
    assert json.loads(good.content[0].text)["models"][0]["name"] == "cutout"


def test_a_folder_is_cut_out_with_progress_and_looked_at(assistant, tmp_path):
    """The default network on real photos that come with the package."""
    (tmp_path / "in").mkdir()
    for name in ("boots.jpg", "dress.jpg"):
        (tmp_path / "in" / name).write_bytes(bundled(name))
    one = assistant
    found = one.ask("cutout", inputs=["in"], output="out")
    assert found["done"] == sum(found["by_status"].values()) == 2
    assert one.progress == [(1, 2), (2, 2)]
    for row in found["pictures"]:
        assert row["source"].startswith("in/")
        assert 0 < row["confidence"] <= 1
        with Image.open(tmp_path / row["output"]) as cut:
            assert cut.mode == "RGBA"
    again = one.ask("cutout", inputs=["in"], output="out")
    assert again["by_status"] == {"failed": 2}  # nothing that exists is overwritten
    assert one.ask("cutout", inputs=["in"], output="out", resume=True)["done"] in (0, 2)

    shown = one.ask_raw("look", picture=found["pictures"][0]["output"]).content[0]
    assert shown.mime_type == "image/png"
    with Image.open(BytesIO(base64.b64decode(shown.data))) as preview:
        assert preview.mode == "RGB"
        assert max(preview.size) <= 768


def test_labels_and_measures_answer_as_the_commands_do(assistant, photos, tmp_path, capsys):
    photos.write("a.png")
    found = assistant.ask("segment", inputs=["in"], output="labels", model="otsu")
    assert found["by_status"] == {"ok": 1}

    assert main(["cutout", str(tmp_path / "in"), "-o", str(tmp_path / "mattes"), "--model",
                 "bright", "--mask-only"]) == 0  # fmt: skip
    (tmp_path / "truth").mkdir()
    shutil.copy(tmp_path / "mattes/a.png", tmp_path / "truth/a.png")
    measured = assistant.ask("evaluate", task="mattes", truth="truth", predictions="mattes")
    assert measured["SAD"] == 0
    assert measured["truth"] == "truth"
    capsys.readouterr()


def test_a_decision_is_recorded_as_an_assistants(assistant, photos, tmp_path, capsys):
    photos.write("shoe.png")
    (tmp_path / "campaign.toml").write_text(CAMPAIGN)
    one = assistant
    assert main(["run", str(tmp_path)]) == 0
    capsys.readouterr()
    status = one.ask("campaign_status", campaign="campaign.toml")
    assert (status["pictures"], status["review"], status["awaiting_decision"]) == (1, 1, 1)
    listed = one.ask("list_reviews", campaign=".")
    (item,) = listed["pictures"]
    assert item["source"] == "shoe.png"
    assert all((tmp_path / name).is_file() for name in item["outputs"])
    decided = one.ask(
        "decide", campaign=".", picture=str(item["item"]), decision="accept", why="clean edge"
    )
    assert (decided["before"], decided["after"]) == ("review", "deliver")
    assert decided["awaiting_decision"] == 0
    file = read_campaign(tmp_path)
    with open_store(database_beside(file.path)) as store:
        (row,) = list_campaigns(store)
        (review,) = list_reviews(store, row)
    assert (review.who, review.why) == ("ana (through an assistant)", "clean edge")


def test_a_clip_or_picture_is_assessed_and_nobody_is_told_that_it_is_safe(
    assistant, photos, tmp_path
):
    photos.write("a.png")
    found = assistant.ask("suitability", inputs=["in/a.png"], output="assessed")
    assert found["assessed"] == 1
    assert found["media"][0]["status"] == "done"
    assert "person" in found["statement"]
    assert (tmp_path / "assessed/suitability.json").is_file()


def test_screens_are_ranked_and_one_without_photos_fails_alone(assistant, photos, tmp_path):
    photos.write("north/a.png")
    photos.write("north/b.png", size=(90, 120))
    (tmp_path / "sites.csv").write_text("id,photos\nnorth,in/north\nsouth,in/none\n")
    found = assistant.ask("sites", table="sites.csv", output="ranked", ocr=False)
    assert set(found["failed"]) == {"south"}
    assert "is not there" in found["failed"]["south"]
    assert {each["id"] for each in found["sites"]} == {"north", "south"}
    assert (tmp_path / found["page"]).is_file()
    again = assistant.ask_raw("sites", table="sites.csv", output="ranked")
    assert "is there already" in again.content[0].text


def test_a_table_that_names_photos_outside_the_root_is_refused(assistant, tmp_path):
    (tmp_path / "sites.csv").write_text("id,photos\nnorth,../secret\n")
    told = assistant.ask_raw("sites", table="sites.csv", output="ranked")
    assert "lies outside the root" in told.content[0].text
    assert not (tmp_path / "ranked").exists()


def test_an_assistant_finds_by_words(assistant, photos, tmp_path):
    photos.write("a.png")
    found = assistant.ask("segment", inputs=["in/a.png"], output="cars", find="Autos, sky")
    assert found["by_status"] == {"ok": 1}
    table = json.loads((tmp_path / "cars/classes.json").read_text())
    assert table["taxonomy"] == "camvid-11: car, sky"
    told = assistant.ask_raw("segment", inputs=["in/a.png"], output="none", find="giraffe")
    assert "usage: --find: no class of camvid-11" in told.content[0].text


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("..", "outside the root"),
        ("a/../../b", "outside the root"),
        ("/etc/passwd", "outside the root"),
        ("leads-out", "outside the root"),
        ("leads-out/secret.png", "outside the root"),
        ("*.jpg", "no plain path"),
        ("s3://bucket/a.jpg", "no plain path"),
        ("", "no plain path"),
        ("a\0b", "no plain path"),
    ],
)
def test_a_path_outside_the_root_is_refused(tmp_path, name, why):
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.png").write_bytes(b"x")
    (tmp_path / "root/leads-out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=why):
        Root.of(tmp_path / "root").inside(name)


def test_a_folder_with_a_link_that_leads_out_is_refused(tmp_path):
    (tmp_path / "root/in/deep").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"x")
    (tmp_path / "root/in/deep/a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(UsageError, match="outside the root"):
        Root.of(tmp_path / "root").found("in")


@pytest.mark.parametrize("given", ["/etc/hosts", "../x.png", "no-such-colour"])
def test_a_background_outside_the_root_is_refused(tmp_path, given):
    with pytest.raises(UsageError):
        Root.of(tmp_path).background(given)


def test_a_campaign_whose_pictures_lie_elsewhere_is_refused(tmp_path, photos, capsys, home):
    photos.write("a.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/campaign.toml").write_text(CAMPAIGN.replace('"in"', '"../in"'))
    assert main(["run", str(tmp_path / "root")]) == 0
    capsys.readouterr()
    with pytest.raises(UsageError, match="outside the root"):
        status_of(Root.of(tmp_path / "root"), "campaign.toml")


def test_a_root_that_is_not_there_is_refused(capsys, tmp_path):
    assert main(["mcp", "--root", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err
