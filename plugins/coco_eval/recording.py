"""What a validation records for its COCO evaluation: all that lies on Ultralytics' validator meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tintbox.plugins.coco_eval.data.truth import Split

NAME = "tintbox_recording"  # the validator's one attribute of ours; `host.evaluation` looks for it


class Recording:
    """The predictions of one validation, image by image.

    They lie where Ultralytics keeps its own JSON rows, ``validator.jdict``, which it gathers from all DDP ranks.
    Ultralytics' own JSON, rounded and with ids of its own, and its evaluation of it, which wants a package from the
    network, stay off meanwhile: `begin` switches them off, `remove` gives everything back as it was.
    """

    def __init__(self, split: Split) -> None:
        self.split = split
        self._save_json: bool | None = None  # what the user asked for, once Ultralytics' is off

    @staticmethod
    def of(validator: Any) -> Recording | None:
        """Return a validator's recording, None for none."""
        return getattr(validator, NAME, None)

    def attach(self, validator: Any) -> None:
        """Have this validation recorded."""
        setattr(validator, NAME, self)

    def begin(self, validator: Any) -> None:
        """Switch off Ultralytics' own JSON; again if need be, as it switches it on for COCO's dataset."""
        if self._save_json is None:
            self._save_json = validator.args.save_json
        validator.args.save_json = False

    def add(self, validator: Any, record: Mapping[str, Any]) -> None:
        """Keep an image's predictions, as `data.records.collect` takes them."""
        validator.jdict.append(record)

    @staticmethod
    def remove(validator: Any) -> dict[str, Mapping[str, Any]]:
        """Leave the validator as it was, and return what was recorded by image file; nothing the second time."""
        recording = validator.__dict__.pop(NAME, None)
        if recording is None or recording._save_json is None:
            return {}
        records = {record["file"]: record for record in validator.jdict}  # DDP's sampler may repeat images
        validator.jdict, validator.args.save_json = [], recording._save_json
        return records
