"""What a page says, read as a person would: the texts of its elements, without their tags."""

from collections.abc import Iterable
from html.parser import HTMLParser
from typing import Any

from stores.wall import IS_THERE

VOID = frozenset({"meta", "link", "input", "br"})


def asked(queries: Iterable[dict[str, Any]]) -> list[str]:
    """What was asked of the database, without what the wall between tenants (stores/wall.py) adds."""
    around = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SELECT set_config", IS_THERE.strip())
    return [each["sql"] for each in queries if not each["sql"].strip().startswith(around)]


def texts(response: Any, tag: str, css: str = "") -> list[str]:
    """The text of every `tag` element (of the class `css`), in order, its blanks made single."""
    reader = _Reader(tag, css)
    reader.feed(response.content.decode())
    return [" ".join("".join(parts).split()) for parts in reader.found]


def attributes(response: Any, tag: str, name: str) -> list[str]:
    """The attribute `name` of every `tag` element that has it, in order."""
    reader = _Reader(tag, "")
    reader.feed(response.content.decode())
    return [given[name] for given in reader.attributes if name in given]


class _Reader(HTMLParser):
    def __init__(self, tag: str, css: str) -> None:
        super().__init__()
        self.tag, self.css = tag, css
        self.found: list[list[str]] = []
        self.attributes: list[dict[str, str]] = []
        self.open: list[tuple[str, list[str] | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        wanted = tag == self.tag and (not self.css or self.css in given.get("class", "").split())
        parts: list[str] | None = [] if wanted else None
        if parts is not None:
            self.found.append(parts)
            self.attributes.append(given)
        if tag not in VOID:
            self.open.append((tag, parts))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """The shapes of an icon: nothing to read."""

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _tag, parts in self.open:
            if parts is not None:
                parts.append(data)
