#!/usr/bin/env python3
"""Checks that the manual is complete: that every public function and macro has a comment and a place in a reference
page, that comments and option structs agree, and that whatever C or CMake the manual shows is compiled by a test.
Prints what is missing, one line each, and fails if anything is.  It needs Python and nothing else.
"""

import re
import sys
from pathlib import Path

sys.dont_write_bytecode = True  # nothing is left in the source tree

from doxygen_filter import blocks, is_code  # noqa: E402
from headers import Api, Item, is_public  # noqa: E402

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
COMPILED = ("examples/", "docs/snippets/", "tests/package/")  # where a page may take code from
PROSE = {"text", "console", "sh", "none"}  # languages of blocks that are no code to be compiled

DIRECTIVE = re.compile(r"^\.\. (?:doxygen(?:function|struct|enum|typedef|define)|c:macro):: (\w+)", flags=re.M)
BY_HAND = re.compile(r"^\.\. c:macro:: (\w+)", flags=re.M)
INCLUDED = re.compile(r"^( *)\.\. literalinclude:: (\S+)(?:\n\1 +:language: (\w+))?", flags=re.M)
BLOCK = re.compile(r"^( *)\.\. code-block:: *(\w+)\n((?:\1 +:.*\n)*)\n((?:\1 +.*\n|[ \t]*\n)+)", flags=re.M)


def check_headers(api: Api, by_hand: set[str], shown: set[str]) -> list[str]:
    """Comments and places."""
    problems = []
    for header in api.headers:
        for item in header.items if is_public(header.path) else []:
            if item.kind == "other" and re.search(r"\w\(", item.text):
                problems.append(f"{header.path.relative_to(ROOT)}: without COIL_API: {' '.join(item.text.split())}")
            if item.kind == "section" or not item.name or item.name == "COIL_API":
                continue
            where = f"{header.path.relative_to(ROOT)}: {item.name}"
            if item.kind in ("function", "macro") and not (item.comment or item.behind or item.name in by_hand):
                problems.append(f"{where} has no comment")
            if item.name not in shown:
                problems.append(f"{where} is in no page of docs/reference/")
            problems += [f"{where}: {problem}" for problem in check_options(api, item)]
    return problems


def check_options(api: Api, item: Item) -> list[str]:
    """The options that a macro's comment names are those that it takes."""
    named = re.search(r"Options:((?:\s+\.\w+)+)\.(?:\s|$)", "\n".join(item.comment))
    if not item.wrapped or not named:
        return []
    told = set(re.findall(r"\.(\w+)", named.group(1)))
    there = {member.name for member in api.options(item)}
    return [f"its comment and its struct differ in .{name}" for name in sorted(told ^ there)]


def squeeze(text: str) -> str:
    """Code without what a formatter may change and a compiler does not see."""
    return re.sub(r"\s+", "", re.sub(r"//.*|/\*.*?\*/", "", text))


def check_code_in_comments(api: Api) -> list[str]:
    """What a header's comment shows is in a snippet, so that it is compiled."""
    snippets = [squeeze(path.read_text(encoding="utf-8")) for path in sorted((DOCS / "snippets").glob("*.c"))]
    problems = []
    for header in api.headers:
        for item in header.items if is_public(header.path) else []:
            for block in blocks(item.comment):
                code = squeeze("\n".join(block))
                if is_code(block) and len(block) > 1 and not any(code in snippet for snippet in snippets):
                    problems.append(f"{header.path.relative_to(ROOT)}: the code shown for {item.name} is in no snippet")
    return problems


def check_page(page: Path) -> list[str]:
    """What a page shows of code is one line, or taken from what is compiled."""
    text = page.read_text(encoding="utf-8")
    where = page.relative_to(ROOT)
    problems = []
    for _, language, _, body in BLOCK.findall(text):
        if language not in PROSE and len(body.strip().split("\n")) > 1:
            problems.append(f"{where}: a block of {language} that no test compiles: {body.strip().splitlines()[0]}")
    for _, name, language in INCLUDED.findall(text):
        file = (page.parent / name).resolve()
        if not file.is_file():
            problems.append(f"{where}: {name} does not exist")
        elif language not in PROSE and not str(file.relative_to(ROOT)).startswith(COMPILED):
            problems.append(f"{where}: {name} is compiled by no test")
    if re.search(r"^[^.\n].*::\n\n", text, flags=re.M):
        problems.append(f"{where}: a block without a language: use code-block")
    return problems


def main() -> int:
    api = Api()
    pages = sorted(DOCS.rglob("*.rst"))
    reference = "\n".join(page.read_text(encoding="utf-8") for page in pages if page.parent.name == "reference")
    problems = check_headers(api, set(BY_HAND.findall(reference)), set(DIRECTIVE.findall(reference)))
    problems += check_code_in_comments(api)
    for page in pages:
        problems += check_page(page)
    for problem in problems:
        print(problem)
    public = [header for header in api.headers if is_public(header.path)]
    count = sum(item.kind in ("function", "macro") for header in public for item in header.items)
    print(f"{count} functions and macros in {len(public)} headers, {len(pages)} pages, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
