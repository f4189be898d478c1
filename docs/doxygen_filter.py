#!/usr/bin/env python3
"""Doxygen's input filter: doxygen_filter.py HEADER prints the header as Doxygen wants to read it.

Plain comments become documentation comments, code in them is marked as code and calls as calls.  A macro that wraps
a function is shown as the function it stands for, with its named options listed, followed by the wrapped function.
"""

import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # Doxygen runs this for each header, in the source tree

from headers import Api, Header, Item, Member, signature  # noqa: E402

# What in a comment's sentences is code and not English, most special first.
CODE = re.compile(
    r"(?P<call>\b[a-z_]\w*(?=\())"
    r"|(?P<coil>(?:(?:struct|enum) )?\bcoil_\w+)"
    r"|(?P<word>(?<![\w.])-?E[A-Z]{2,}\d*\b|\bCOIL_[A-Z_]+(?:=[\w|]+)?|\bSIG[A-Z]+|\bMSG_[A-Z]+|\bPOLL[A-Z]+"
    r"|\bO_[A-Z]+|\bPIPE_BUF\b|\bNULL\b|\bINFINITY\b|\bNaN\b|\bvm\.max_map_count\b)"
    r"|(?P<option>(?<![\w.)])\.[a-z_]+\b(?:=\w+)?)"
    r"|(?P<star>(?<!\w)\*[a-z_]+\b)"
    r"|(?P<name>\b(?:rc|fn|arg|fd|userdata|[a-z]+_[a-z_]+)\b)"
)


def end_of_call(text: str, start: int) -> int:
    """The place after the parenthesis that closes the one at start."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i + 1
    return len(text)


def mark_code(text: str, callables: set[str]) -> str:
    """Puts what is code between backquotes, and makes links of the names of functions."""
    out, at = [], 0
    for match in CODE.finditer(text):
        if match.start() < at:
            continue
        end = match.end()
        word = match.group()
        if match.lastgroup == "call":
            end = end_of_call(text, end)
            if text[match.end() : end] == "()" and word in callables:
                marked = f"{word}()"
            else:
                marked = f"`{text[match.start():end]}`"
        elif word in callables:
            marked = f"{word}()"
        else:
            marked = f"`{word}`"
        out += [text[at : match.start()], marked]
        at = end
    return "".join(out) + text[at:]


def blocks(lines: list[str]) -> list[list[str]]:
    """The paragraphs of a comment."""
    found: list[list[str]] = [[]]
    for line in lines:
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def is_code(block: list[str]) -> bool:
    return all(line.startswith("    ") for line in block)


def paragraph(block: list[str], callables: set[str]) -> list[str]:
    """A paragraph of sentences. What the thing is called elsewhere becomes a paragraph of its own."""
    text = " ".join(line.strip() for line in block)
    elsewhere = re.search(r"(?:^|(?<=\. )|(?<=\.\) ))(asyncio|POSIX|GNU): (.*)$", text)
    if not elsewhere:
        return [mark_code(text, callables)]
    words = [mark_code(text[: elsewhere.start()].strip(), callables), ""] if elsewhere.start() else []
    return [*words, f"*{elsewhere.group(1)}:* {elsewhere.group(2)}"]


def comment(lines: list[str], callables: set[str], more: list[str] | None = None, opening: str = "/**") -> str:
    """A documentation comment."""
    out = []
    for block in blocks(lines):
        if is_code(block):
            out += ["@code{.c}", *(line[4:] for line in block), "@endcode", ""]
        else:
            out += [*paragraph(block, callables), ""]
    out += more or []
    while out and not out[-1]:
        out.pop()
    return "\n".join([opening, *(f" * {line}".rstrip() for line in out), " */"])


def option_list(options: list[Member], callables: set[str]) -> list[str]:
    """The named options of a macro, as a list."""
    if not options:
        return []
    lines = ["Named options, after the arguments, as `.name = value`:", ""]
    for option in options:
        words = f": {mark_code(option.comment, callables)}" if option.comment else ""
        what = option.type if "(" not in option.text else option.text
        lines.append(f"- `.{option.name}` (`{what}`){words}")
    return lines


def without_option_names(lines: list[str]) -> list[str]:
    """The sentence that names the options: they are listed instead."""
    text = re.sub(r"Options:(?:\s+\.\w+)+\.(?:\s|$)", "", "\n".join(lines))
    return text.split("\n")


def members(item: Item, callables: set[str]) -> str:
    lines = []
    for member in item.members:
        if member.is_private():
            continue  # the library's own
        if member.comment:
            lines.append(f"    /** {mark_code(member.comment, callables)} */")
        lines.append(f"    {member.text}{',' if item.kind == 'enum' else ';'}")
    return "\n".join(lines)


class Filter:
    """Prints one header of an API."""

    def __init__(self, api: Api):
        self.api = api
        self.callables = api.callable_names()

    def comment(self, lines: list[str], more: list[str] | None = None, opening: str = "/**") -> str:
        return comment(lines, self.callables, more, opening)

    def function(self, item: Item) -> str:
        plain = f"{signature(item)};"
        if not item.behind:
            return f"{self.comment(item.comment)}\n{plain}"
        macro = self.api.macros[item.behind]
        in_front = self.api.user_signature(macro)
        more = option_list(self.api.options(macro), self.callables)
        words = [f"The function that the macro {macro.name} calls, for C++ and for other languages."]
        return (
            f"{self.comment(without_option_names(macro.comment), more)}\n{in_front};\n\n"
            f"{self.comment(item.comment or words)}\n{plain}"
        )

    def item(self, item: Item) -> str:
        if item.kind == "function":
            return self.function(item)
        if item.kind == "section" or item.wrapped:
            return ""
        above = self.comment(item.comment) + "\n" if item.comment else ""
        if item.kind in ("struct", "enum"):
            tail = f" {item.name}" if item.text.startswith("typedef") else ""
            start = "typedef " if tail else ""
            return f"{above}{start}{item.kind} {item.name} {{\n{members(item, self.callables)}\n}}{tail};"
        return above + re.sub(r"/\*.*?\*/", "", item.text, flags=re.S)

    def header(self, header: Header) -> str:
        parts = [self.comment([f"@file {header.path.name}", "", *header.comment])]
        parts += [self.item(item) for item in header.items]
        return "\n\n".join(part for part in parts if part) + "\n"


def main() -> None:
    path = Path(sys.argv[1]).resolve()
    api = Api()
    header = next((header for header in api.headers if header.path == path), None)
    print(Filter(api).header(header) if header else path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
