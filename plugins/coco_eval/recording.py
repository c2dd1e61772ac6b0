"""The record of a validation for its COCO evaluation, kept on Ultralytics' validator while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tintbox.plugins.coco_eval.data.truth import Split

NAME = "tintbox_recording"  # our only attribute on the validator; `host.evaluation` looks for it


class Recording:
    """The predictions of one validation, image by image.

    They are kept where Ultralytics keeps its own JSON rows, ``validator.jdict``, which it gathers from all DDP ranks.
    Ultralytics' own JSON, which is rounded and has other ids, and its evaluation, which downloads a package, are off
    meanwhile: `begin` disables them, `remove` restores everything.
    """

    def __init__(self, split: Split, check: Callable[[Any], None]) -> None:
        """Prepare to record.

        Args:
            split: The images and their ground truth.
            check: Called with the validator once it has its class names; may raise, or remove the recording.
        """
        self.split, self.check = split, check
        self._save_json: bool | None = None  # the user's value, once Ultralytics' own JSON is off

    @staticmethod
    def of(validator: Any) -> Recording | None:
        """Return a validator's recording, or None."""
        return getattr(validator, NAME, None)

    def attach(self, validator: Any) -> None:
        """Record this validation."""
        setattr(validator, NAME, self)

    def begin(self, validator: Any) -> None:
        """Disable Ultralytics' own JSON; repeatable, because Ultralytics enables it for COCO's dataset."""
        if self._save_json is None:
            self._save_json = validator.args.save_json
        validator.args.save_json = False

    def begin_images(self, validator: Any) -> None:
        """Go on after `init_metrics`, which has enabled JSON for COCO's dataset and set the class names."""
        self.begin(validator)
        self.check(validator)

    def add(self, validator: Any, record: Mapping[str, Any]) -> None:
        """Store an image's predictions, in the format of `data.records.collect`."""
        validator.jdict.append(record)

    @staticmethod
    def remove(validator: Any) -> dict[str, Mapping[str, Any]]:
        """Restore the validator and return the records by image file; empty on a second call."""
        recording = validator.__dict__.pop(NAME, None)
        if recording is None or recording._save_json is None:
            return {}
        records = {record["file"]: record for record in validator.jdict or ()}  # DDP's sampler may repeat images
        validator.jdict, validator.args.save_json = [], recording._save_json
        return records
