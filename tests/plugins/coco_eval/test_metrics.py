"""The twelve numbers, compared with pycocotools' `summarize`."""

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval

from tintbox.plugins.coco_eval import metrics


def random_curves(seed, classes=4):
    """Curves in the format of `accumulate`, with one class without truth and one without large objects."""
    rng = np.random.default_rng(seed)
    precision, recall = rng.random((10, 101, classes, 4, 3)), rng.random((10, classes, 4, 3))
    for place in ((0, slice(None)), (1, 3)):
        precision[:, :, place[0], place[1]] = recall[:, place[0], place[1]] = -1
    return metrics.Curves(precision, recall)


@pytest.mark.parametrize("seed", range(3))
def test_the_means_are_those_of_pycocotools(seed, capsys):
    curves = random_curves(seed)
    reference = COCOeval(iouType="bbox")
    reference.eval = {"precision": curves.precision, "recall": curves.recall}
    reference.summarize()
    found = metrics.overall(metrics.per_class(curves))
    assert np.nan_to_num(found, nan=-1) == pytest.approx(reference.stats, abs=1e-12)


def test_a_class_without_truth_has_no_number():
    classes = metrics.per_class(random_curves(0))
    assert np.isnan(classes[0]).all() and np.isnan(classes[1, metrics.column("AP_large")])
    assert not np.isnan(classes[2:]).any()
    assert np.isnan(metrics.overall(classes[:1])).all()


def test_a_metric_that_is_none():
    with pytest.raises(KeyError, match="no metric 'mAP'"):
        metrics.column("mAP")
