"""The page: its statements about runs, and that text stays text."""

import re

import pytest

from tintbox.reports import curves, page
from tintbox.reports.entries import gather


def sections(*folders):
    return gather([str(folder) for folder in folders])[0]


def content(section, place):
    return page.content(section, place, curves.curves(section))


MAP = {"metrics__mAP50-95(B)": [0.5, 0.25], "val__box_loss": [2, 1]}


@pytest.mark.parametrize(
    ("count", "title"), [(1, "r0"), (2, "r0 against r1"), (3, "r0 against r1 and r2"), (4, "4 runs compared")]
)
def test_the_title_names_few_runs(made, count, title):
    (found,) = sections(*(made(f"r{i}", **MAP) for i in range(count)))
    assert page.title(found.entries) == title


def test_ids_of_a_section_are_its_own(made):
    found = sections(made("a", **MAP), made("b", {"task": "classify"}, metrics__accuracy_top1=[0.5, 0.75]))
    contents = [content(section, place) for place, section in enumerate(found)]
    assert [content.title for content in contents] == ["Detection: one run", "Classification: one run"]
    ids = [name for content in contents for name, _ in content.figures()]
    assert len(set(ids)) == len(ids) > 2
    assert all(name.startswith(("section-0-", "section-1-")) for name in ids)


def test_what_is_missing_is_said_with_how_to_get_it(made):
    (found,) = sections(made("a", **MAP), made("b", **MAP))
    (note,) = page.list_unevaluated(found.entries)
    weights = found.entries[0].run.folder / "weights" / "best.pt"
    assert note.startswith("a, b: no COCO evaluation") and f"tintbox coco-eval model={weights}" in note
    (spaced,) = sections(made("my run", **MAP))
    (note,) = page.list_unevaluated(spaced.entries)
    assert "model='" in note and "/my run/weights/best.pt' out='" in note
    (note,) = page.list_unrecorded(found.entries)
    assert note.startswith("a, b: no environment.json")
    (other,) = sections(made("c", {"task": "classify"}, metrics__accuracy_top1=[0.5]))
    assert page.list_unevaluated(other.entries) == []


def test_an_evaluation_from_elsewhere_or_a_broken_one_is_said(detector, copy):
    moved, broken = copy(detector, "moved"), copy(detector, "broken")
    (moved / "val").mkdir()
    (moved / "coco.json").rename(moved / "val" / "coco.json")
    (broken / "coco.json").write_text("{")
    (found,) = sections(detector, moved, broken)
    notes = page.list_unevaluated(found.entries)
    assert len(notes) == 2 and notes[0].startswith("broken: ") and notes[1] == "moved: from val/ (split val)."


def test_texts_are_escaped(made):
    (found,) = sections(made("a<b>&", {"data": "<script>alert(1)</script>.yaml"}, **MAP))
    text = page.render([content(found, 0)], ["<i>left</i> out"], {"a<b>&": "/x/<u>"})
    body = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert "a&lt;b&gt;&amp;" in body and "&lt;i&gt;left&lt;/i&gt; out" in body and "&lt;u&gt;" in body
    assert "<i>left" not in body and "alert(1)</script>" not in text
    assert text.count("<h1") == 1


@pytest.mark.attack("report page")
def test_a_name_does_not_turn_the_sentence_around(made):
    (found,) = sections(made("a\u202e\x07", {"model": "m\u2067.pt"}, **MAP), made("b", **MAP))
    text = page.render([content(found, 0)], ["c\u202d left out"], {"a\u202e\x07": "/x/a\u202e"})
    body = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search("[\x07\u202a-\u202e\u2066-\u2069]", body) and "c\\u202d left out" in body
    assert "a\\u202e\\x07 is" in body or "a\\u202e\\x07 and b are" in body
    assert {line["name"] for line in found_traces(content(found, 0))} == {"a\\u202e\\x07", "b"}


def found_traces(content):
    return [line for name, figure in content.figures() if "curve-0" in name for line in figure.data]
