"""The page's scripts, and the policy that lets a browser run only these and send nothing anywhere."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

# Everything but scripts. Plotly writes its style sheet and `style` attributes at run time, so no hash can be given;
# it saves images by way of a `blob:` or `data:` URL.
POLICY = (
    "default-src 'none'", "connect-src 'none'", "form-action 'none'", "base-uri 'none'", "img-src data: blob:",
    "style-src 'unsafe-inline'",
)  # fmt: skip


def policy(scripts: Sequence[str]) -> str:
    """Return the Content-Security-Policy of a page with these inline scripts, each allowed by its hash."""
    return "; ".join([*POLICY, f"script-src {' '.join(map(source, scripts))}"])


@cache
def source(script: str) -> str:
    """Return a script's source in the Content-Security-Policy: the hash of its text as a browser reads it."""
    text = script.replace("\r\n", "\n").replace("\r", "\n")
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def encode(data: Any) -> str:
    """Return data as JSON that cannot break out of a ``<script>`` element."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # ASCII only
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def plotly() -> str:
    """Return Plotly's JavaScript."""
    from plotly.offline import get_plotlyjs

    return get_plotlyjs()
