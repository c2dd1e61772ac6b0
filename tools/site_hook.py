"""MkDocs hook of the documentation site: replaces links that point outside docs/ with their paths.

In the repository, such a link opens the file. The site does not contain that file, and the project has no public URL
yet.
"""

from __future__ import annotations

import re
from typing import Any

OUTSIDE = re.compile(r"(?<!!)\[([^\]]+)\]\(\.\./([^)#]+)(?:#[^)]*)?\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return the page with ``[text](../folder/file)`` as "text (`folder/file`)", or as the path alone."""
    return OUTSIDE.sub(lambda link: name_link(link[1], link[2]), markdown)


def name_link(text: str, path: str) -> str:
    """Return the text that replaces a link to a file of the repository."""
    words = text.strip("`")
    return f"`{path}`" if path.endswith(words) else f"{text} (`{path}`)"
