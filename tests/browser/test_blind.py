"""The blind page in a real browser: by keyboard, by touch, reloaded in the middle, and its saved file read back."""

import json
from html import unescape
from pathlib import Path

import pytest
from chromium import MARKS
from xuxie.blind.items import make_items
from xuxie.blind.page import page_content, page_key
from xuxie.blind.votes import count_votes, read_votes
from xuxie.report.rendering import read_captions, render_page

FOLDER = Path(__file__).parents[2] / "resources" / "blind"
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">他走了。"

pytestmark = MARKS


def samples(count: int) -> list[dict]:
    return [
        {
            "id": f"n-{number}", "novel": "雾港", "chapter": number, "prompt": {"input": f"第{number}段上文。{HOSTILE}"},
            "reference": "作者写道：" + "雨还在下，街上一个人也没有。" * 12,
            "outputs": {
                "base": {"text": HOSTILE + "雨停了，街上都是人，他们在笑。" * 12, "seconds": 1.5},
                "tuned": {"text": "微调写道：" + "雨停了，街上都是人，他们在笑。" * 14, "seconds": 2.5},
            },
        }
        for number in range(1, count + 1)
    ]  # fmt: skip


ITEMS = make_items({"demo": samples(6)}, passages=24, seed=0)


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "blind.html"
    captions = read_captions(FOLDER, "zh")
    content = page_content(ITEMS, "雾港")
    file.write_text(render_page(FOLDER, content, captions, "page.html.j2"), encoding="utf-8")
    return file


@pytest.fixture(params=["desk", "phone"])
def opened(request, browser, path):
    """The page on a desk and on a phone, and all that the browser had to say and asked for."""
    size = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
    context = browser.new_context(
        viewport=size[request.param], has_touch=request.param == "phone", accept_downloads=True
    )
    page = context.new_page()
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            heard.append(asked.url)
            if not asked.url.startswith((path.as_uri(), "data:", "blob:"))
            else None
        ),
    )
    page.goto(path.as_uri())
    yield page, heard
    context.close()


def save(page, folder: Path) -> Path:
    with page.expect_download() as download:
        page.locator(".save:visible").click()
    file = folder / "votes.json"
    download.value.save_as(file)
    return file


def choose(page, system: str) -> None:
    """Press the key of the option that this system wrote, as the key to the page says."""
    number = int(page.locator("#bar").get_attribute("value") or 0)
    page.keyboard.press(str(ITEMS[number].systems.index(system) + 1))


def test_by_keyboard_alone_to_the_end_and_the_file_is_counted(opened, tmp_path):
    page, heard = opened
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for number in range(len(ITEMS)):
        assert f"第{ITEMS[number].sample['chapter']}段上文" in page.locator("#passage").inner_text()
        choose(page, "tuned" if number else "base")
        choose(page, "human") if number < 3 else page.keyboard.press("0")
    assert page.locator("#end").is_visible()
    result = count_votes(read_votes([save(page, tmp_path)]), page_key(ITEMS), {})
    demo = result["adapters"]["demo"]
    assert (demo["pairings"][0]["wins"], demo["pairings"][0]["losses"]) == (5, 1)
    assert demo["recognised"]["value"] == 1 and demo["recognised"]["guesses"] == 3
    assert heard == [] and "owned" not in page.title()


def test_by_touch(opened):
    page, _ = opened
    press = page.tap if page.viewport_size["width"] < 500 else page.click
    press("#begin")
    press(".option >> nth=0")
    assert page.locator("#neither").inner_text() == "看不出来"
    press("#neither")
    assert page.locator("#progress").inner_text() == "1 / 6"
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]


def test_it_goes_on_where_it_stopped(opened, tmp_path):
    page, _ = opened
    page.click("#begin")
    for key in "12301":
        page.keyboard.press(key)
    page.reload()
    assert page.locator("#begin").inner_text() == "继续"
    page.click("#begin")
    assert page.locator("#progress").inner_text() == "2 / 6"
    assert page.locator("#question").inner_text() == "你觉得哪一段是作者写的？"
    page.keyboard.press("Backspace")
    assert page.locator("#question").inner_text() == "哪一段续得最好？"
    answers = json.loads(save(page, tmp_path).read_text(encoding="utf-8"))["answers"]
    assert [(answer["best"], answer["author"]) for answer in answers] == [(0, 1), (2, None)]


def test_the_source_says_nothing_of_who_wrote_what(path):
    source = path.read_text(encoding="utf-8")
    content = source[source.index('id="content"') :]
    for word in ("base", "tuned", "human", "demo", "adapter"):
        assert word not in content


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_word_of_the_page_is_a_caption(language):
    captions = read_captions(FOLDER, language)
    page = unescape(render_page(FOLDER, page_content(ITEMS, "雾港"), captions, "page.html.j2"))
    for words in captions.values():
        for word in [words] if isinstance(words, str) else words:
            assert word.replace("{count}", "6").split("{")[0] in page
