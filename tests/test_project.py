"""What stands around the code agrees with it."""

import re
from pathlib import Path

import pytest
import yaml

import tintbox

REPO = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((REPO / ".github" / "workflows").glob("*.yml"))


def targets():
    return set(re.findall(r"^([\w-]+):", (REPO / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_step_of_a_workflow_is_a_make_target(file):
    jobs = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"].split() for job in jobs.values() for step in job["steps"] if "run" in step]
    assert all(words[0] == "make" for words in commands), "so that it runs on any machine as well"
    assert {words[1] for words in commands} <= targets()


def test_citation_names_this_version():
    citation = yaml.safe_load((REPO / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == tintbox.__version__


def test_every_target_is_phony_and_says_what_it_is():
    text = (REPO / "Makefile").read_text(encoding="utf-8")
    assert targets() == set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split())
    head = re.match(r"(#.*\n)+", text)[0]
    assert targets() <= set(re.findall(r"\bmake ([\w-]+)", head)), "the head of the Makefile lists them"


def test_the_code_in_contributing_is_the_code():
    """What it shows by example: a row of the options, a patch."""
    shown = re.findall(r"^```text\n(.*?)^```$", (REPO / "CONTRIBUTING.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    code = [(REPO / "plugins" / name).read_text("utf-8") for name in ("options.py", "host/configuration.py")]
    assert len(shown) == 2
    assert [example in text for example, text in zip(shown, code)] == [True, True]
