"""The scripts that a page may run, and data in a script."""

import base64
import hashlib
import json

from tintbox.reports import scripts


def test_a_policy_names_every_script_by_its_hash():
    digest = base64.b64encode(hashlib.sha256(b"a\nb").digest()).decode()
    assert scripts.policy(["a\r\nb"]).endswith(f"; script-src 'sha256-{digest}'")


def test_no_text_ends_the_script_that_it_is_in():
    data = {"a": "</script><!-- & \u2028 ü"}
    text = scripts.encode(data)
    assert json.loads(text) == data and text.isascii() and not set("<>&") & set(text)


def test_plotly_is_there():
    assert "Plotly" in scripts.plotly()
