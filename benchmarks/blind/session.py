"""A whole session with the blind page in Chromium, by keyboard and with a reload in the middle: python benchmarks/blind/session.py PAGE VOTES

No person reads: a stand-in prefers the continuation that repeats the fewest 4-grams, takes it for the author's, and cannot tell
between equals. It sees what a reader sees and nothing else. The page's own button saves the votes, in the file VOTES.
"""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from xuxie.overlap.repetition import seq_rep

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from chromium import CHROMIUM  # isort: skip


def main(file: str, votes: str) -> None:
    """Answer every question of the page and save its file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(accept_downloads=True).new_page()
        page.goto(Path(file).resolve().as_uri())
        items = int(page.locator("#bar").get_attribute("max") or 0)
        page.click("#begin")
        for number in range(items):
            if number == items // 2:
                page.reload()
                page.click("#begin")
            # The first question is which is best, the second which is the author's.
            for _ in range(2):
                page.keyboard.press(chosen(page))
        with page.expect_download() as download:
            page.locator(".save:visible").click()
        download.value.save_as(votes)
        browser.close()
    print(f"{items} items, saved as {votes}")


def chosen(page: Page) -> str:
    """The key of the option that repeats least; 0 where several do."""
    shares = [seq_rep(text, 4) or 0.0 for text in page.locator(".option .text").all_inner_texts()]
    best = [number for number, share in enumerate(shares, 1) if share == min(shares)]
    return str(best[0]) if len(best) == 1 else "0"


if __name__ == "__main__":
    main(*sys.argv[1:])
