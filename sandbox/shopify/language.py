"""GraphQL, as much of it as an app writes: operations, variables, fields, arguments. No fragments.

https://spec.graphql.org/October2021/
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"""(?P<skip>[\s,]+|\#[^\n]*)|(?P<mark>[{}()\[\]:!$=@]|\.\.\.)|(?P<name>[_A-Za-z]\w*)
    |(?P<number>-?\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\\n]|\\.)*")""",
    re.VERBOSE,
)


class Unreadable(ValueError):
    """The document is not written in the grammar."""


@dataclass(frozen=True)
class Variable:
    """The use of a variable as an argument."""

    name: str


@dataclass
class Field:
    """One field of a selection, and what is selected of it."""

    name: str
    alias: str
    arguments: dict[str, Any] = field(default_factory=dict)
    selection: "list[Field]" = field(default_factory=list)


@dataclass
class Operation:
    """A query or a mutation; `variables` are name → type, such as `Int!`."""

    kind: str
    name: str
    variables: dict[str, str]
    selection: list[Field]


def read_document(text: str) -> list[Operation]:
    """The operations of a document. Raises Unreadable."""
    reader = _Reader(text)
    operations = []
    while reader.next is not None:
        operations.append(reader.operation())
    if not operations:
        raise Unreadable("there is no operation in it")
    return operations


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self.next: str | None = next(self._tokens, None)

    def operation(self) -> Operation:
        kind, name, variables = "query", "", dict[str, str]()
        if self.next != "{":
            kind = self._take()
            if kind not in ("query", "mutation"):
                raise Unreadable(f"unexpected {kind!r}")
            if self.next not in ("(", "{"):
                name = self._take()
            if self._skip("("):
                while not self._skip(")"):
                    self._expect("$")
                    variable = self._take()
                    self._expect(":")
                    variables[variable] = self._type()
        return Operation(kind, name, variables, self._selection())

    def _type(self) -> str:
        if self._skip("["):
            inner = f"[{self._type()}]"
            self._expect("]")
        else:
            inner = self._take()
        return inner + ("!" if self._skip("!") else "")

    def _selection(self) -> list[Field]:
        self._expect("{")
        fields = []
        while not self._skip("}"):
            fields.append(self._field())
        if not fields:
            raise Unreadable("an empty selection")
        return fields

    def _field(self) -> Field:
        alias = name = self._take()
        if self._skip(":"):
            name = self._take()
        arguments = {}
        if self._skip("("):
            while not self._skip(")"):
                key = self._take()
                self._expect(":")
                arguments[key] = self._value()
        return Field(name, alias, arguments, self._selection() if self.next == "{" else [])

    def _value(self) -> Any:
        if self._skip("$"):
            return Variable(self._take())
        said = self._take()
        if said.startswith('"'):
            return said[1:-1].encode().decode("unicode_escape")
        if said in ("true", "false"):
            return said == "true"
        if said == "null":
            return None
        return int(said) if said.lstrip("-").isdecimal() else said  # a number, or an enum's word

    def _take(self) -> str:
        if self.next is None:
            raise Unreadable("the document ends too early")
        taken, self.next = self.next, next(self._tokens, None)
        return taken

    def _skip(self, mark: str) -> bool:
        if self.next == mark:
            self._take()
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._skip(mark):
            raise Unreadable(f"expected {mark!r}, found {self.next!r}")


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        if (found := TOKEN.match(text, at)) is None:
            raise Unreadable(f"unexpected {text[at]!r}")
        at = found.end()
        if found.lastgroup != "skip":
            yield found.group()
