"""The report in a real browser: it renders, filters, asks for nothing, and runs no script but its own."""

import shutil
import subprocess
from pathlib import Path

import pytest
from chromium import MARKS
from report_case import CONFIG, SAMPLES, adapter, ledger, novel
from xuxie.report.content import page_content
from xuxie.report.rendering import read_captions, render_page

FOLDER = Path(__file__).parents[2] / "resources" / "report"

pytestmark = MARKS
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module", params=["zh", "en"])
def path(request, tmp_path_factory):
    captions = read_captions(FOLDER, request.param)
    content = page_content(
        {"雾港": novel()},
        {"demo": ledger()},
        {"demo": adapter(), "other": adapter(model="larger")},
        CONFIG,
        captions,
    )
    file = tmp_path_factory.mktemp("report") / f"{request.param}.html"
    file.write_text(render_page(FOLDER, content, captions), encoding="utf-8")
    return file


@pytest.fixture
def opened(browser, path):
    """The page, and all that the browser had to say and asked for."""
    page = browser.new_page(viewport=DESK, color_scheme={"zh": "light", "en": "dark"}[path.stem])
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda asked: (
            heard.append(asked.url)
            if asked.url != path.as_uri() and not asked.url.startswith("data:")
            else None
        ),
    )
    page.goto(path.as_uri())
    yield page, heard
    page.close()


def shown(page):
    return page.locator(".sample:visible").count()


def test_it_opens_in_silence_and_alone(opened):
    page, heard = opened
    page.mouse.wheel(0, 4000)
    assert page.locator("main > section").count() >= 7
    assert page.locator("figure svg").count() >= 6
    assert "owned" not in page.title()
    assert (
        page.locator("body script").count() == 1
        and page.locator("img, textarea, iframe").count() == 0
    )
    assert heard == []


def test_search_and_filters(opened):
    page, heard = opened
    assert shown(page) == len(SAMPLES)
    page.fill("#search", "王建国")
    assert (
        shown(page) == 1 and page.locator(".prose .invented:visible").first.inner_text() == "王建国"
    )
    page.fill("#search", "nowhere to be found")
    assert shown(page) == 0 and page.locator("#none").is_visible()
    page.fill("#search", "")
    page.select_option("#length_", "long")
    assert shown(page) == 1
    page.select_option("#length_", "")
    page.select_option("#stop", "length")
    assert shown(page) == 2
    page.select_option("#stop", "")
    page.select_option("#chapter", index=1)
    assert shown(page) == 1
    page.select_option("#chapter", "")
    page.check("#highlighted")
    assert shown(page) == 3
    assert heard == []


def test_texts_are_shown_to_the_letter(opened):
    page, _ = opened
    for card, sample in zip(page.locator(".sample").all(), SAMPLES, strict=True):
        shown_texts = [
            prose.text_content() for prose in card.locator(".column:not(.human) .prose").all()
        ]
        texts = [output["text"] for output in sample["outputs"].values()]
        assert set(filter(None, texts)) <= set(shown_texts)


def test_a_script_that_got_in_would_not_run(opened):
    page, heard = opened
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', `<img src=x onerror=\"document.title='owned'\">`)"
    )
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = \"document.title='owned'\"; document.body.append(s)"
    )
    page.wait_for_timeout(100)
    assert "owned" not in page.title()
    assert any("Content Security Policy" in line for line in heard)


def test_it_fits_a_phone(opened):
    page, _ = opened
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    column = page.locator(".column").first.bounding_box()
    assert column["width"] > 300
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('.prose')).fontSize)")
    assert size >= 15


def test_chinese_has_a_font(browser):
    if (
        not shutil.which("fc-list")
        or "CJK"
        not in subprocess.run(["fc-list"], capture_output=True, text=True, check=True).stdout
    ):
        pytest.skip("no Chinese font on this machine: tests/system_packages.sh installs one")
    page = browser.new_page()
    page.set_content(
        '<span style="font: 40px serif">雾</span><span style="font: 40px serif">\ue000</span>'
    )
    glyph, missing = (span.screenshot() for span in page.locator("span").all())
    page.close()
    assert glyph != missing
