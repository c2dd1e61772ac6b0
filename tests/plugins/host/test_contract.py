"""Every Ultralytics name that tintbox relies on exists, and every patch is in place. An upgrade fails here."""

import ast
import importlib
import re
from operator import attrgetter
from pathlib import Path

import pytest

from tintbox.plugins import host

pytestmark = pytest.mark.smoke
NAMES = [(p, name) for p in host.PATCHES for name in p.names]


@pytest.mark.parametrize(("p", "name"), NAMES, ids=[f"{p.function.__name__}:{p.module}.{n}" for p, n in NAMES])
def test_name_is_there(p, name):
    module = importlib.import_module(p.module)
    try:
        attrgetter(name)(module)
    except AttributeError:
        pytest.fail(f"patch '{p.function.__name__}' relies on {p.module}.{name}, which this Ultralytics lacks")


@pytest.mark.parametrize("p", host.PATCHES, ids=[p.function.__name__ for p in host.PATCHES])
def test_patch_is_in_place(p):
    importlib.import_module(p.module)
    assert host.state(p) == "ok"
    assert p.function.__doc__, "a patch says what it does and why"


def test_every_patch_has_a_name_of_its_own():
    """Whether a patch has been applied is known by its name."""
    names = [p.function.__name__ for p in host.PATCHES]
    assert len(set(names)) == len(names)


def test_names_copied_by_value_are_the_patched_ones():
    from ultralytics.cfg import TASKS
    from ultralytics.utils import events

    assert "colorize" in TASKS
    assert events.TASKS == TASKS


def test_no_argument_has_the_name_of_the_keyword_for_the_stock_function():
    from ultralytics.utils import DEFAULT_CFG_DICT

    assert "stock" not in DEFAULT_CFG_DICT, "`replace` hands functions that take any argument their original so"


def test_the_parser_of_models_numbers_layers_as_trunk_does():
    """Its table row and layer attributes, which `plugins/trunk.py` reproduces for tintbox's heads."""
    import inspect

    from ultralytics.nn import tasks

    stock = inspect.getsource(tasks.parse_model.__wrapped__)
    assert 'LOGGER.info(f"{i:>3}{f!s:>20}{n_:>3}{m_.np:10.0f}  {t:<45}{args!s:<30}")' in stock
    assert "m_.i, m_.f, m_.type = i, f, t" in stock
    assert "save.extend(x % i for x in ([f] if isinstance(f, int) else f) if x != -1)" in stock


def test_methods_that_subclasses_override_are_there():
    from ultralytics.engine.predictor import BasePredictor
    from ultralytics.engine.trainer import BaseTrainer
    from ultralytics.engine.validator import BaseValidator

    from tintbox.colorization.predictor import ColorizePredictor
    from tintbox.colorization.trainer import ColorizeTrainer
    from tintbox.colorization.validator import ColorizeValidator

    hooks = {
        (BaseTrainer, ColorizeTrainer): "get_dataset get_model get_dataloader get_validator set_model_attributes "
        "preprocess_batch _setup_train _load_checkpoint_state _model_train validate progress_string "
        "plot_training_samples",
        (BaseValidator, ColorizeValidator): "get_model get_dataloader init_metrics preprocess postprocess "
        "update_metrics gather_stats get_stats finalize_metrics get_desc print_results plot_predictions "
        "plot_val_samples",
        (BasePredictor, ColorizePredictor): "setup_model pre_transform preprocess postprocess",
    }
    for (base, ours), names in hooks.items():
        for name in names.split():
            assert callable(getattr(base, name, None)), f"{base.__name__}.{name} is gone; {ours.__name__} overrides it"
            assert name in vars(ours), f"{ours.__name__} does not override {name} any more"


def test_what_exact_resuming_relies_on_is_there():
    """The names that `plugins/resume/state.py` uses, of Ultralytics' infinite loader and of PyTorch's iterators."""
    import inspect

    import torch
    from ultralytics.data.build import InfiniteDataLoader
    from ultralytics.engine.trainer import BaseTrainer

    loader = InfiniteDataLoader(list(range(4)), batch_size=2, shuffle=True, generator=torch.Generator())
    assert loader.iterator is None and "self._get_iterator()" in inspect.getsource(InfiniteDataLoader.__iter__)
    assert len([next(loader._get_iterator()._sampler_iter) for _ in loader]) == 2
    # Steps are counted from the last one, across epochs, but from -1 where a loop begins.
    loop = inspect.getsource(BaseTrainer._do_train)
    assert "if ni - last_opt_step >= self.accumulate:\n" in loop and "ni = i + nb * epoch\n" in loop
    # A finished checkpoint drops the optimizer's state, including our additions.
    assert torch.save.__wrapped__.__module__ == "ultralytics.utils.patches"
    assert callable(torch.optim.Optimizer.register_state_dict_post_hook)


def test_fractions_of_splits_are_shares_or_counts():
    """`colorization.trainer` and `validator` take a float for a share, an int for a number of images."""
    from ultralytics.data.utils import get_split_fraction

    found = [get_split_fraction([0.5, 20], split) for split in ("train", "val", "test")]
    assert found == [0.5, 20, 1.0] and list(map(type, found)) == [float, int, float]


def test_functions_that_dataset_files_calls_are_there():
    """The names that `datasets/reading/dataset_files.py` uses, and their expected behaviour."""
    import inspect

    from ultralytics.data.base import BaseDataset
    from ultralytics.data.converter import coco80_to_coco91_class
    from ultralytics.data.utils import check_image, exif_size, img2label_paths
    from ultralytics.models.yolo.detect import DetectionValidator
    from ultralytics.utils import LOGGER

    from tintbox.datasets.reading import dataset_files

    used = set(re.findall(r"self\.(\w+)", re.sub(r"#.*", "", inspect.getsource(BaseDataset.get_img_files))))
    assert used == {"prefix", "fraction"}, "picture_files sets just these"
    assert img2label_paths(["/a/images/images/b.c.jpg"]) == ["/a/images/labels/b.c.txt"]
    assert callable(exif_size) and callable(LOGGER.setLevel)
    assert f"shape[0] > {dataset_files.LEAST_SIDE - 1}" in inspect.getsource(check_image)
    ids = coco80_to_coco91_class()
    assert len(ids) == 80 and ids == sorted(ids) and ids[-1] == 90
    # Ultralytics has no function for the rule of `is_coco`.
    rule = inspect.getsource(DetectionValidator.init_metrics)
    for words in ('"coco" in val', '{os.sep}val2017.txt", f"{os.sep}test-dev2017.txt"'):
        assert words in rule
    assert dataset_files.is_coco("/data/coco/val2017.txt") and not dataset_files.is_coco("/data/coco/images/val2017")


# Imports made when patched functions are called, only in runs that request something of ours.
LATE = {
    "anchor_models.parse": "tintbox.plugins.anchor",
    "anchor_yamls.load": "tintbox",
    "anchor_training.criterion": "tintbox.plugins.anchor.loss",
    "anchor_training.class_rows": "tintbox.plugins.anchor",
    "classic_checkpoints.load": "tintbox.plugins.anchor",
    "torn_checkpoints.load": "tintbox.plugins.resume",
    "exact_resume.resume": "tintbox.plugins.resume",
    "fast_training.setup_fast": "tintbox.plugins.precision",
    "fast_training.train_fast": "tintbox.plugins.precision",
    "recorded_predictions.update": "tintbox.plugins.coco_eval.data.run_lengths",
    "extended_training.model": "tintbox.plugins.extend",
    "extended_training.attributes": "tintbox.plugins.extend",
    "extended_validation.init": "tintbox.plugins.extend",
    "extended_prediction.reconciled": "tintbox.plugins.extend",
    "safe_classes.build_with_tintbox": "tintbox.",  # inside its own error handling
}


def late_imports(node, path=()):
    """Yield the nested functions that import tintbox, and what they import."""
    for child in ast.iter_child_nodes(node):
        inside = (*path, child.name) if isinstance(child, ast.FunctionDef) else path
        if isinstance(child, ast.ImportFrom) and len(path) > 1 and (child.module or "").startswith("tintbox"):
            yield ".".join(path), child.module
        yield from late_imports(child, inside)


def test_a_patched_function_imports_nothing_that_stock_runs_could_miss():
    """Modules that stock runs need are imported when a patch is applied, or by `import_optional`."""
    for file in sorted(Path(host.__file__).parent.glob("*.py")):
        for function, module in late_imports(ast.parse(file.read_text(encoding="utf-8"))):
            assert module.startswith(LATE.get(function, "nothing")), (
                f"{file.name}: {function} imports {module} when it is called: a stock run would fail where that is "
                "broken; import it where the patch is put in place, or by `import_optional`"
            )
