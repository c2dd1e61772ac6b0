"""What of a model's YAML may be handed to a parser that evaluates one of its texts."""

import pytest

from tintbox import limits, model_yaml
from tintbox.errors import TintboxError


@pytest.mark.parametrize(
    "activation", [None, "", "nn.SiLU()", "torch.nn.LeakyReLU(0.1, inplace=True)", "nn.Hardtanh(-1, 1)", " nn.ReLU() "]
)
def test_activations_that_are_classes_with_numbers(activation):
    model_yaml.check({"activation": activation})


@pytest.mark.parametrize(
    "activation",
    ["__import__('os').system('x')", "nn.SiLU", "nn.SiLU().__class__", "nn.SiLU(open('x'))", "nn.silu()", 3, ["nn"]],
)
def test_any_other_text_is_refused(activation):
    with pytest.raises(TintboxError, match=r"give a class of torch\.nn"):
        model_yaml.check({"activation": activation})


def test_layers_are_counted_with_their_repeats():
    rows = [[-1, limits.YAML_LAYERS, "Conv", [8]]]
    model_yaml.check({"backbone": rows})
    with pytest.raises(TintboxError, match=f"{limits.YAML_LAYERS + 1:,} layers, repeats counted"):
        model_yaml.check({"backbone": rows, "head": [[-1, 1, "Detect", []]]})


@pytest.mark.parametrize(
    ("repeats", "more"),
    [
        ((-(10**6), 10**6), {}),
        ((1e6,), {}),
        ((10**307, 1e308), {"depth_multiple": 1e6}),
        ((2,), {"depth_multiple": 1e6}),
        ((2,), {"scales": {"n": [0.5, 0.25, 1024], "x": [1e6, 1, 512]}}),
    ],
)
def test_layers_are_counted_as_the_parser_makes_them(repeats, more):
    with pytest.raises(TintboxError, match="layers, repeats counted"):
        model_yaml.check({"backbone": [[-1, n, "Conv", [8]] for n in repeats], **more})


@pytest.mark.parametrize("more", [{"depth_multiple": "deep"}, {"scales": 3}, {"scales": {"n": 3, "s": []}}])
def test_a_depth_that_is_no_number_is_left_to_the_parser(more):
    model_yaml.check({"backbone": [[-1, "n", "Conv", [8]], [], 3], **more})
