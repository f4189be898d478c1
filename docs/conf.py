"""How Sphinx builds the manual. docs/build.sh runs it, after Doxygen has read the headers."""

import os
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent


def version_part(name: str) -> str:
    text = (HERE.parent / "include" / "coil" / "base.h").read_text(encoding="utf-8")
    return re.search(rf"#define COIL_VERSION_{name} (\d+)", text).group(1)


project = "coil"
author = "The coil authors"
copyright = "The coil authors"
version = ".".join(version_part(part) for part in ("MAJOR", "MINOR"))
release = f"{version}.{version_part('PATCH')}"

extensions = ["breathe"]
exclude_patterns = ["snippets"]
primary_domain = "c"
highlight_language = "c"
nitpicky = True
of_the_c_library = (
    "addrinfo|bool|dirent|iovec|mode_t|msghdr|nfds_t|off_t|pid_t|pollfd|size_t|sockaddr|socklen_t|ssize_t|stat|statx"
    "|uint64_t"
)
nitpick_ignore_regex = [("c:identifier", of_the_c_library)]
smartquotes = False

breathe_projects = {"coil": os.environ.get("COIL_DOXYGEN_XML", "")}
breathe_default_project = "coil"
breathe_domain_by_extension = {"h": "c"}

html_theme = "alabaster"
html_theme_options = {
    "description": "asyncio for C",
    "fixed_sidebar": True,
    "page_width": "72em",
    "sidebar_width": "17em",
    "show_powered_by": False,
}
html_sidebars = {"**": ["about.html", "navigation.html", "searchbox.html"]}
html_static_path = ["static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sourcelink = False
