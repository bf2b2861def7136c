"""The page at `/` in a real browser, against real servers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from pptx import Presentation

from seedx_sdk import Message
from seedx_sdk.errors import ModelError
from seedx_sdk.imaging import to_png
from seedx_sdk.testing import ScriptedEngine
from seedx_sdk.types import Box
from tests.support.http_server import Scripted, Serve

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
SECONDS = 30_000.0
"""Milliseconds that the browser waits for an element."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A tab with a new profile; an error of the page, or a request to another host, fails the test."""
    context = browser.new_context(viewport={"width": 900, "height": 900})
    page = context.new_page()
    page.set_default_timeout(SECONDS)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if "Security Policy" in message.text else None)
    page.on("request", lambda request: None if _is_here(request.url) else complaints.append(f"requested {request.url}"))
    yield page
    context.close()
    assert not complaints


def _is_here(url: str) -> bool:
    return re.match(r"(http://127\.0\.0\.1:\d+/|data:)", url) is not None


def send(page: Any, text: str, task: str = "chat") -> None:
    page.get_by_label("Task", exact=True).select_option(task)
    page.get_by_label("Message").fill(text)
    page.get_by_label("Message").press("Enter")


def answered(page: Any, count: int = 1) -> Any:
    """Return the last reply once it is finished."""
    replies = page.locator("article:not(.user):not([aria-busy])")
    replies.nth(count - 1).wait_for()
    return replies.nth(count - 1)


def test_the_page_allows_no_other_script(serve: Serve, http: httpx.Client) -> None:
    answer = http.get(f"{serve(api_keys=('secret',))}/")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    rules = dict(rule.strip().split(" ", 1) for rule in answer.headers["content-security-policy"].split(";"))
    assert rules["default-src"] == "'none'" and rules["connect-src"] == "'self'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/=]{44}'", rules["script-src"])
    assert not re.search(r"https?://|innerHTML|insertAdjacentHTML|document\.write|\son\w+=|\sstyle=", answer.text)


@needs_browser
def test_a_conversation_with_images(serve: Serve, page: Any, tmp_path: Path) -> None:
    image = Image.new("RGB", (64, 48), "red")
    engine = Scripted(ScriptedEngine([Message.assistant("here it is", image), Message.assistant("a red page")]), 0.2)
    page.goto(serve(engine))
    send(page, "Draw a red page.")
    page.get_by_label("Generating an image").wait_for()
    reply = answered(page)
    assert reply.locator("p").inner_text() == "here it is"
    assert reply.locator("img").evaluate("image => [image.naturalWidth, image.naturalHeight]") == [64, 48]
    assert page.locator("progress").count() == 0
    (tmp_path / "given.png").write_bytes(to_png(image))
    page.get_by_label("Images", exact=True).set_input_files(tmp_path / "given.png")
    page.get_by_label("Remove image 1").wait_for()
    send(page, "What is it?")
    assert answered(page, 2).locator("p").inner_text() == "a red page"
    last = engine.scripted.requests[-1]
    assert [message.role for message in last.messages] == ["user", "assistant", "user"]
    assert [len(message.images) for message in last.messages] == [0, 1, 1]


@needs_browser
def test_model_output_is_never_html(serve: Serve, page: Any) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    box = Box.on(evil, (0.25, 0.25, 0.75, 0.75), (128, 128))
    engine = ScriptedEngine(
        [Message.assistant(evil, Image.new("RGB", (128, 128), "red"))], boxes=(box,), notices=(evil,)
    )
    page.goto(serve(Scripted(engine)))
    send(page, evil)
    reply = answered(page)
    assert [p.inner_text() for p in reply.locator("p").all()] == [evil, evil]
    assert reply.locator(".box span").inner_text() == evil
    assert page.locator("article img").count() == 1 and page.locator("article script").count() == 0
    assert page.title() == "SeedX playground"


@needs_browser
def test_the_last_image_is_edited_and_searched(serve: Serve, page: Any) -> None:
    engine = Scripted(ScriptedEngine([Message.assistant(Image.new("RGB", (64, 64), "red"))]))
    page.goto(serve(engine))
    send(page, "Make it blue.", "edit")
    page.get_by_role("alert").get_by_text("There is no image yet").wait_for()
    send(page, "Draw a page.")
    answered(page)
    send(page, "Make it blue.", "edit")
    answered(page, 2)
    send(page, "the house", "detect")
    reply = answered(page, 3)
    generated, edited, searched = engine.scripted.requests
    assert (edited.task, searched.task) == ("edit", "detect") and generated.task == "chat"
    assert edited.messages[0].images[0].getpixel((0, 0)) == (255, 0, 0)
    assert searched.messages[0].images[0].getpixel((0, 0)) != (255, 0, 0)  # the edited one
    frame, whole = reply.locator(".box").bounding_box(), reply.locator("figure img").bounding_box()
    assert frame["x"] - whole["x"] == pytest.approx(whole["width"] / 4, abs=2)
    assert frame["width"] == pytest.approx(whole["width"] / 2, abs=4)


@needs_browser
def test_slides_can_be_downloaded(serve: Serve, page: Any, tmp_path: Path) -> None:
    page.goto(serve(Scripted()))
    send(page, "# A boat school\n\n## The harbour\n- Boats", "slides")
    reply = answered(page)
    with page.expect_download() as download:
        reply.get_by_role("link", name="Download slides.pptx").click()
    assert download.value.suggested_filename == "slides.pptx"
    download.value.save_as(tmp_path / "slides.pptx")
    slides = Presentation(str(tmp_path / "slides.pptx")).slides
    assert [slide.shapes.title.text_frame.text for slide in slides] == ["A boat school", "The harbour"]
    send(page, "   ", "slides")
    page.get_by_role("alert").get_by_text("Enter a message first").wait_for()


@needs_browser
def test_an_error_is_shown_and_the_message_restored(serve: Serve, page: Any) -> None:
    page.goto(serve(Scripted(ScriptedEngine([ModelError("the model is broken"), Message.assistant("recovered")]))))
    send(page, "Hello")
    page.get_by_role("alert").get_by_text("the model is broken").wait_for()
    assert page.get_by_label("Message").input_value() == "Hello"
    page.get_by_role("button", name="Send").click()
    assert answered(page).locator("p").inner_text() == "recovered"
    assert page.locator("#alert").text_content() == ""


@needs_browser
def test_a_reply_can_be_stopped(serve: Serve, page: Any) -> None:
    engine = Scripted(ScriptedEngine([Message.assistant("here", Image.new("RGB", (64, 64)))]), 0.5)
    page.goto(serve(engine))
    send(page, "Draw.")
    page.get_by_label("Generating an image").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.locator("button#send:enabled").wait_for()
    for _ in range(50):
        if engine.stopped:
            break
        page.wait_for_timeout(100)
    assert engine.stopped == 1 and page.locator("progress").count() == 0


@needs_browser
def test_the_key_is_requested_and_kept_in_the_tab(serve: Serve, page: Any) -> None:
    page.goto(serve(Scripted(), api_keys=("secret",)))
    page.get_by_role("alert").get_by_text("API key").wait_for()
    page.get_by_label("API key").fill("secret")
    page.get_by_label("API key").press("Tab")
    page.get_by_text("scripted knows").wait_for()
    send(page, "Hello")
    answered(page)
    page.reload()
    page.get_by_text("scripted knows").wait_for()
    assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]


@needs_browser
@pytest.mark.slow
def test_the_shipped_model_generates_an_image_on_the_page(nano_server: str, page: Any, tmp_path: Path) -> None:
    page.goto(nano_server)
    page.get_by_text("knows generated picture-book scenes").wait_for()
    send(page, "Draw a red house beside a green tree.")
    reply = answered(page)
    assert reply.locator("img").evaluate("image => image.naturalWidth") == 128
    send(page, "the house", "detect")
    answered(page, 2)
    page.screenshot(path=tmp_path / "playground.png")
