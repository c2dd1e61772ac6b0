"""Stand-ins for the names in a classic checkpoint."""

import pytest
import torch
from torch._utils import _rebuild_tensor_v2

from tintbox.errors import TintboxError
from tintbox.plugins.anchor import stand_ins
from tintbox.plugins.anchor.records import Record

NUMBERS = torch.arange(24, dtype=torch.float32)
STORAGE = stand_ins.Storage(NUMBERS)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (24,), (1,)), (4, (2, 3), (3, 1)), (0, (4, 6), (1, 4)), (23, (), ()), (0, (0, 5), (5, 1)), (23, (1,), (99,))],
)
def test_a_tensor_is_that_of_pytorch(offset, size, stride):
    typed = torch.storage.TypedStorage(wrap_storage=NUMBERS.untyped_storage(), dtype=NUMBERS.dtype, _internal=True)
    expected = _rebuild_tensor_v2(typed, offset, size, stride, False, {})
    found = stand_ins.make_tensor(STORAGE, offset, size, stride, False, {})
    assert found.stride() == expected.stride() and found.data_ptr() == expected.data_ptr()
    assert torch.equal(found, expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((STORAGE, 0, (25,), (1,)), r"of shape \(25,\) reaches beyond its 24 numbers"),
        ((STORAGE, 1, (24,), (1,)), "reaches beyond its 24 numbers"),
        ((STORAGE, 0, (2, 2), (1,)), "reaches beyond its 24 numbers"),
        ((STORAGE, 0, (5, 5), (1, 1)), r"of shape \(5, 5\) is expanded from 24 numbers"),
        ((STORAGE, 0, (1 << 20, 1 << 20), (0, 0)), "is expanded from 24 numbers"),
        ((STORAGE, -1, (2,), (1,)), "by something else than a storage and numbers"),
        ((STORAGE, 0, (2.0,), (1,)), "by something else than a storage and numbers"),
        ((STORAGE, 0, (True,), (1,)), "by something else than a storage and numbers"),
        ((STORAGE, 0, (1 << 40,), (1,)), "by something else than a storage and numbers"),
        ((STORAGE, 0, (1,) * 9, (1,) * 9), "by something else than a storage and numbers"),
        ((NUMBERS, 0, (2,), (1,)), "by something else than a storage and numbers"),
    ],
)
def test_a_tensor_that_is_none(arguments, message):
    with pytest.raises(TintboxError, match=message):
        stand_ins.make_tensor(*arguments)


def test_parameters_and_tensors_with_attributes_are_their_tensors():
    assert stand_ins.make_parameter(NUMBERS, True, {}) is NUMBERS
    made = stand_ins.make_from_type(stand_ins.make_tensor, torch.Tensor, (STORAGE, 2, (3,), (1,)), {"names": 1})
    assert made.tolist() == [2, 3, 4]
    with pytest.raises(TintboxError, match="a parameter in it is no tensor"):
        stand_ins.make_parameter([1.0])
    with pytest.raises(TintboxError, match="made by something else than a tensor's functions"):
        stand_ins.make_from_type(print, torch.Tensor, ())


def test_classes_are_records_of_their_own_names():
    for path in ("models.common.Conv", "models.yolo.Model", "torch.nn.modules.activation.SiLU", "numpy.ndarray"):
        kind = stand_ins.find_stand_in(path)
        assert issubclass(kind, Record) and kind.path == path and kind.__name__ == path.rpartition(".")[2]
    assert stand_ins.find_stand_in("torch.HalfStorage") is torch.float16


@pytest.mark.parametrize("path", ["os.system", "builtins.eval", "torch.load", "models.common.Nothing", ""])
def test_what_is_not_in_the_table_stands_for_nothing(path):
    with pytest.raises(TintboxError, match=r"no layer of a YOLOv3 or YOLOv5 detector; nothing was loaded$"):
        stand_ins.find_stand_in(path)


def test_an_ordered_record_forgets_its_state():
    record = stand_ins.OrderedRecord(a=1)
    record.__setstate__({"_metadata": 3})
    assert record == {"a": 1} and not vars(record)
