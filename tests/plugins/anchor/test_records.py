"""Records: inert stand-ins for classes."""

from torch import nn

from tintbox.plugins.anchor import stand_ins


def test_a_record_does_nothing():
    record = stand_ins.TABLE["models.common.Conv"](1, 2, x=3)
    record.__setstate__({"a": 1, 2: "no text"})
    record.__setstate__("no mapping")
    assert record.state == {"a": 1}
    assert not isinstance(record, nn.Module)
