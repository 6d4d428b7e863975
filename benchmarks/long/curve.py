"""A picture of how far a run's continuations hold: the first section of its report.

    python benchmarks/long/curve.py REPORT PICTURE

Needs Chromium and a Chinese font (tests/system_packages.sh installs them).
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from chromium import CHROMIUM
from playwright.sync_api import sync_playwright


def main() -> None:
    """Take it."""
    report, picture = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 1000})
        page.goto(Path(report).resolve().as_uri())
        page.locator("#decay").screenshot(path=picture)
        browser.close()


if __name__ == "__main__":
    main()
