"""Where a CPU computes in bfloat16, and where in float32."""

import torch

from tintbox.plugins.precision import arithmetic


def test_predictions_go_to_float32_whatever_holds_them():
    half = torch.ones(2, dtype=torch.bfloat16)
    whole = torch.ones(2, dtype=torch.int64)
    found = arithmetic.cast_float32({"a": [half, (half, whole)], "b": None})
    assert found["a"][0].dtype == found["a"][1][0].dtype == torch.float32
    assert found["a"][1][1].dtype == torch.int64 and found["b"] is None


def test_bfloat16_is_wanted_by_type_or_in_a_validation():
    assert arithmetic.wants_bfloat16(torch.bfloat16)
    assert not any(map(arithmetic.wants_bfloat16, (True, False, torch.float16)))
    with arithmetic.validating():
        assert arithmetic.wants_bfloat16(False)
        with arithmetic.mix():
            assert not arithmetic.wants_bfloat16(False), "a loss that asks for float32 has it"
    assert not arithmetic.wants_bfloat16(False)


def test_a_users_own_autocast_is_theirs():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not arithmetic.is_mixed()
    with arithmetic.mix():
        assert arithmetic.is_mixed()
        with torch.autocast("cpu", enabled=False):
            assert not arithmetic.is_mixed()
    assert not arithmetic.is_mixed()
