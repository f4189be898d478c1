"""The public headers, read as what the manual needs to know of them.

The headers carry plain C comments, `/* ... */` above what they are about, so that they read as C and belong to no
tool.  This module knows their layout: a comment at the first column belongs to the declaration or macro that
follows it, one behind a member to that member.  A macro that wraps a function (coil_run wraps coil_run_with) is
turned back into the function that a user believes to call.  It knows nothing of Doxygen or Sphinx.
"""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

INCLUDE = Path(__file__).resolve().parent.parent / "include"


@dataclass
class Member:
    """A member of a struct, or a constant of an enum."""

    name: str
    type: str
    text: str  # the whole declaration, without what ends it
    comment: str

    def is_private(self) -> bool:
        """Whether it is the library's own. One with such a name and a comment has it because of a macro: stdin_."""
        return self.name.endswith("_") and not self.comment


@dataclass
class Item:
    """Something that a header declares, with the comment above it."""

    kind: str  # function, macro, struct, enum, typedef, section, other
    name: str
    text: str  # as in the header; for a section its title
    comment: list[str]  # the lines of the comment, or none
    members: list[Member] = field(default_factory=list)
    wrapped: str = ""  # of a macro: the function that it calls with what it adds
    behind: str = ""  # of a function: the macro in front of it


@dataclass
class Header:
    """One header: what it says of itself, and what it declares, in its order."""

    path: Path
    comment: list[str]
    items: list[Item]


def public_headers() -> list[Path]:
    """Every header in the folder of public ones. A program gets those that the umbrella includes: see is_public."""
    return sorted((INCLUDE / "coil").glob("*.h"))


def is_public(path: Path) -> bool:
    """Whether <coil.h> includes it. One that it does not include is not finished yet."""
    return f"<coil/{path.name}>" in (INCLUDE / "coil.h").read_text(encoding="utf-8")


# ---- comments -------------------------------------------------------------------------------------------------------


def comment_lines(text: str) -> list[str]:
    """The words of a C comment, line by line, without the frame of stars."""
    body = text.strip().removeprefix("/*").removesuffix("*/")
    lines = [re.sub(r"^ \* ?", "", line).rstrip() for line in body.split("\n")]
    lines[0] = lines[0].strip()
    while lines and not lines[-1]:
        lines.pop()
    while lines and not lines[0]:
        lines.pop(0)
    return lines


def strip_comments(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


# ---- declarations ---------------------------------------------------------------------------------------------------


def parse_members(body: str, is_enum: bool) -> list[Member]:
    """The members between the braces, each with the comment behind it or above it."""
    members = []
    above = ""
    end = "," if is_enum else ";"
    for match in re.finditer(rf"/\*.*?\*/|[^{end}/]+{end}?", body, flags=re.S):
        piece = match.group().strip()
        if piece.startswith("/*"):
            words = " ".join(comment_lines(piece))
            on_new_line = body[: match.start()].rstrip(" \t").endswith("\n")
            if members and not on_new_line:
                members[-1].comment = words
            else:
                above = words
            continue
        piece = " ".join(piece.rstrip(end).split())
        if piece:
            members.append(enumerator(piece, above) if is_enum else member(piece, above))
            above = ""
    return members


def enumerator(text: str, comment: str) -> Member:
    return Member(text.split()[0], "", text, comment)


def member(text: str, comment: str) -> Member:
    """A member from its declaration, which may be that of an array or of a pointer to a function."""
    name = re.search(r"\(\*(\w+)\)\(", text) or re.search(r"(\w+)(?:\[\w*\])?$", text)
    return Member(name.group(1), text[: name.start(1)].strip().removesuffix("("), text, comment)


def declare(text: str, comment: list[str]) -> Item:
    """The item that one declaration makes."""
    plain = " ".join(strip_comments(text).split())
    braces = re.search(r"\{(.*)\}", text, flags=re.S)
    if plain.startswith("COIL_API"):
        name = re.search(r"(\w+)\(", plain.removeprefix("COIL_API")).group(1)
        return Item("function", name, text, comment)
    if braces:
        is_enum = re.match(r"(?:typedef )?enum\b", plain) is not None
        name = re.match(r"(?:typedef )?(?:enum|struct) (\w*)", plain).group(1)
        return Item("enum" if is_enum else "struct", name, text, comment, parse_members(braces.group(1), is_enum))
    if plain.startswith("typedef"):
        return Item("typedef", re.search(r"(\w+)(?:\(.*\))?;$", plain).group(1), text, comment)
    return Item("other", "", text, comment)


def define(text: str, comment: list[str]) -> Item:
    """The item that one #define makes."""
    name, parameters = re.match(r"#\s*define\s+(\w+)(\([^)]*\))?", text).groups()
    wrapped = re.search(rf"\b({name}_(?:with|from))\(", text) if parameters else None
    return Item("macro", name, text, comment, wrapped=wrapped.group(1) if wrapped else "")


# Each alternative is one thing that stands at the first column of a header. extern "C" is opened and closed between
# #ifdef and #endif, and says nothing about what is declared.
CPLUSPLUS = re.compile(r"#ifdef __cplusplus\n.*?#endif\n", flags=re.S)
TOKEN = re.compile(
    r"(?P<comment>/\*.*?\*/)"
    r"|(?P<define>#\s*define\b(?:[^\n]*\\\n)*[^\n]*)"
    r"|(?P<directive>#[^\n]*)"
    r"|(?P<declaration>\w[^;{]*(?:\{[^}]*\}[^;]*)?;)",
    flags=re.S,
)


def passes_comment_on(item: Item) -> bool:
    """Whether the comment above this is about what follows: a forward declaration, a constant that a struct needs."""
    return item.kind == "other" or (item.kind == "enum" and not item.name)


def stands_below(items: list[Item], item: Item, gap: str) -> bool:
    """Whether this is a function right below another one, with nothing between: they share the comment."""
    above = items[-1] if items else None
    return above is not None and above.kind == item.kind == "function" and not item.comment and gap == "\n"


def parse(path: Path) -> Header:
    """Reads one header."""
    text = CPLUSPLUS.sub("", path.read_text(encoding="utf-8"))
    header = Header(path, [], [])
    comment: list[str] = []
    behind: dict[str, str] = {}
    end = 0
    for token in TOKEN.finditer(text):
        kind, piece, gap = token.lastgroup, token.group(), text[end : token.start()]
        end = token.end()
        if kind == "comment":
            lines = comment_lines(piece)
            section = re.fullmatch(r"-{3,} (.*?) -{3,}", lines[0]) if lines else None
            if section:
                header.items.append(Item("section", section.group(1), section.group(1), []))
            elif not header.comment:
                header.comment = lines
            else:
                comment = lines
            continue
        if kind == "directive":
            comment = []
            continue
        item = define(piece, comment) if kind == "define" else declare(piece, comment)
        if item.kind == "macro" and item.name.endswith("_H"):
            continue
        item.behind = behind.get(item.name, "")
        if not item.behind and stands_below(header.items, item, gap):
            item.comment = header.items[-1].comment
        if item.wrapped:
            behind[item.wrapped] = item.name
        header.items.append(item)
        if not passes_comment_on(item):
            comment = []
        else:
            item.comment = []
    return header


# ---- what a user calls ----------------------------------------------------------------------------------------------


def split_parameters(text: str) -> list[str]:
    """Splits at the commas that are not inside parentheses."""
    parameters, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parameters.append(text[start:i].strip())
            start = i + 1
    parameters.append(text[start:].strip())
    return parameters


@dataclass
class Signature:
    """A function as it is called."""

    result: str
    name: str
    parameters: list[str]
    options: str = ""  # the struct whose members are its named options

    def __str__(self) -> str:
        space = "" if self.result.endswith("*") else " "
        return f"{self.result}{space}{self.name}({', '.join(self.parameters) or 'void'})"


def signature(function: Item) -> Signature:
    """The signature of a plain function."""
    plain = " ".join(strip_comments(function.text).split())
    plain = re.sub(r" __attribute__\(\(.*\)\);$", ";", plain)
    match = re.match(rf"COIL_API (.*?)\b{function.name}\((.*)\);$", plain)
    return Signature(match.group(1).strip(), function.name, split_parameters(match.group(2)))


def positional(macro: Item, struct: Item) -> list[str]:
    """The members of the options that are arguments of the macro: .arg = __VA_ARGS__, or .arg = (argument), and how
    many there are, n, where that is the next member."""
    names = [name for name in re.findall(r"\.(\w+) = (?:__VA_ARGS__|\()", macro.text) if name != "site"]
    members = [member.name for member in struct.members]
    if names and members[members.index(names[-1]) + 1 :][:1] == ["n"]:
        names.append("n")
    return names


def user_signature(macro: Item, function: Item, structs: dict[str, Item]) -> Signature:
    """The signature of a macro, as if it were a function: what it fills in is left out, what it takes is named."""
    plain = signature(function)
    result = Signature(plain.result, macro.name, [])
    for parameter in plain.parameters:
        options = re.fullmatch(r"const struct (coil_\w*options) \*options", parameter)
        if parameter == "const struct coil_site *site":
            continue
        if not options:
            result.parameters.append(parameter)
            continue
        result.options = options.group(1)
        struct = structs[result.options]
        members = {member.name: member for member in struct.members}
        result.parameters += [members[name].text for name in positional(macro, struct)]
        result.parameters.append("...")
    return result


def options_of(struct: Item, arguments: set[str], structs: dict[str, Item]) -> list[Member]:
    """The named options in a struct: all but what is an argument of a macro that fills it in. A struct may leave its
    members' comments to another struct that it names."""
    left_out = {"size", "site", *arguments}
    referred = re.search(r"as in struct (\w+)", strip_newlines(struct.text))
    elsewhere = {m.name: m.comment for m in structs[referred.group(1)].members} if referred else {}
    options = []
    for member in struct.members:
        if member.name in left_out or member.is_private():
            continue
        comment = member.comment
        if not comment or comment.startswith("as in struct"):
            comment = elsewhere.get(member.name, comment)
        options.append(replace(member, comment=comment))
    return options


def strip_newlines(text: str) -> str:
    return " ".join(text.split())


class Api:
    """All public headers together."""

    def __init__(self, paths: list[Path] | None = None):
        self.headers = [parse(path) for path in paths or public_headers()]
        self.structs: dict[str, Item] = {}
        self.functions: dict[str, Item] = {}
        self.macros: dict[str, Item] = {}
        for header in self.headers:
            for item in header.items:
                table = {"struct": self.structs, "function": self.functions, "macro": self.macros}.get(item.kind)
                if table is not None:
                    table[item.name] = item

    def callable_names(self) -> set[str]:
        """What a program can call."""
        return set(self.functions) | {name for name, macro in self.macros.items() if "(" in macro.text.split()[1]}

    def user_signature(self, macro: Item) -> Signature:
        return user_signature(macro, self.functions[macro.wrapped], self.structs)

    def options(self, macro: Item) -> list[Member]:
        """The named options of a macro, none if it has none."""
        name = self.user_signature(macro).options
        if name not in self.structs:
            return []
        struct = self.structs[name]
        fillers = [other for other in self.macros.values() if other.wrapped and f"(struct {name})" in other.text]
        arguments = {argument for filler in fillers for argument in positional(filler, struct)}
        return options_of(struct, arguments, self.structs)
