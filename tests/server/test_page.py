"""The page's files: open to everybody, kept for ever by name, and words where it was not built."""

import httpx2
import pytest
from starlette.applications import Starlette

from batuta.server.page import page_routes


@pytest.fixture
def built(tmp_path):
    """A folder as a build leaves it."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>Batuta</title>")
    (tmp_path / "assets" / "index-a1b2.js").write_text("1")
    return tmp_path


async def asked(folder, path):
    transport = httpx2.ASGITransport(Starlette(routes=page_routes(folder)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://page") as http:
        return await http.get(path)


async def test_the_page_is_asked_for_anew_and_its_parts_are_kept_for_ever(built):
    page, part = await asked(built, "/"), await asked(built, "/assets/index-a1b2.js")

    assert page.text == "<title>Batuta</title>"
    assert "immutable" not in page.headers.get("cache-control", "")
    assert part.text == "1"
    assert "immutable" in part.headers["cache-control"]


@pytest.mark.parametrize(
    "path", ["/assets/other.js", "/assets/%2e%2e/index.html", "/assets/", "/x", "/index.html"]
)
async def test_nothing_but_the_page_and_its_parts_is_served(built, path):
    assert (await asked(built, path)).status_code == 404


async def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path):
    answer = await asked(tmp_path, "/")

    assert answer.status_code == 503
    assert "make ui" in answer.text


async def test_the_page_is_open_to_everybody_and_forbids_scripts_of_others(served):
    async with served.stranger() as http:
        answer = await http.get("/")

    assert answer.status_code in {200, 503}  # built or not
    assert "script-src 'self'" in answer.headers["content-security-policy"]
