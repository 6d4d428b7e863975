"""The blind page and its key: what readers see, and who wrote what, kept apart."""

import hashlib
from collections.abc import Sequence

from xuxie.blind.items import Item


def page_content(items: Sequence[Item], title: str) -> dict:
    """What the page's template is given: no name of a system, and nothing to infer one from."""
    return {
        "title": title,
        "page": page_id(items),
        "items": [
            {
                "id": item.id,
                "passage": item.sample["prompt"]["input"],
                "options": list(item.options),
            }
            for item in items
        ],
    }


def page_key(items: Sequence[Item]) -> dict:
    """Who wrote each option of each item, for counting votes; it must not be shown with the page."""
    return {
        "page": page_id(items),
        "items": {
            item.id: {
                "adapter": item.adapter,
                "sample": item.sample["id"],
                "novel": item.sample["novel"],
                "chapter": item.sample["chapter"],
                "systems": list(item.systems),
            }
            for item in items
        },
    }


def page_id(items: Sequence[Item]) -> str:
    """Two pages with the same items have the same id, so that votes know where they belong."""
    return hashlib.sha256(" ".join(item.id for item in items).encode()).hexdigest()[:16]
