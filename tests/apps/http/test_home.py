"""The two plain pages: where a person lands, and what programs may ask."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_page_loads_nothing_from_elsewhere(server, path):
    answer = server.client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    loaded = re.findall(r'(?:src|href)="([^"]*)"', answer.text)
    assert loaded
    assert all(one.startswith(("/", "#")) and not one.startswith("//") for one in loaded)
    assert "<script" not in answer.text


def test_home_leads_to_documents_and_review(server):
    text = server.client.get("/").text
    assert all(f'href="{path}"' in text for path in ("/docs", "/openapi.json", "/review"))
    assert f"{server.url}/v1/cutout" in text


def test_docs_show_every_operation_with_its_fields(server):
    text = server.client.get("/docs").text
    for path, verbs in server.client.get("/openapi.json").json()["paths"].items():
        for verb in verbs:
            assert f"{verb.upper()} {path}" in text
    assert "<code>crop_margin</code>" in text
    assert "auto | fine | fast | off" in text
