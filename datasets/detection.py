"""Real detection datasets: copied from a local folder, or downloaded and converted from Pascal VOC."""

from __future__ import annotations

import http.client
import io
import os
import shutil
import urllib.request
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tintbox import yaml_file
from tintbox.datasets import voc
from tintbox.datasets.staging import is_complete, stage
from tintbox.datasets.voc import SPLITS
from tintbox.errors import TintboxError, TintboxFileError, one_line, suggest

SOURCE = "TINTBOX_DATA"  # environment variable: a folder that has one subfolder per dataset
ROBOFLOW = {"train": "train", "val": "valid", "test": "test"}  # split -> its folder in a Roboflow export
SUFFIXES = {".jpg", ".jpeg", ".png"}
ARCHIVES = {"bccd": "https://github.com/Shenggan/BCCD_Dataset/archive/refs/heads/master.zip"}  # Pascal VOC, zipped
HOMES = {  # not downloaded: they need an account, or have other formats
    "aquarium": "https://public.roboflow.com/object-detection/aquarium",
    "boards": "https://github.com/TannerGilbert/Tensorflow-Object-Detection-API-Train-Model",
    "cards": "https://github.com/EdjeElectronics/"
    "TensorFlow-Object-Detection-API-Tutorial-Train-Multiple-Objects-Windows-10",
    "pcb": "https://github.com/tangsanli5201/DeepPCB",
}


def prepare(folder: str | Path, name: str, names: Mapping[int, str], *, url: str | None = None) -> Path:
    """Put a dataset into ``folder``, unless it is there already, and return the folder.

    The result has ``images/<split>`` and ``labels/<split>`` for the splits train, val and test. Files are copied, not
    linked: Ultralytics writes its label caches next to the labels, and the source may be read-only.

    Args:
        folder: The dataset's folder.
        name: The dataset's name, and the name of its subfolder in ``TINTBOX_DATA``.
        names: Class id -> class name, as in the dataset's YAML.
        url: The zipped Pascal VOC tree to download if ``TINTBOX_DATA`` is not set; by default the known one.

    Raises:
        TintboxError: If the folder in ``TINTBOX_DATA`` lacks the dataset, the classes differ, files are damaged, or the
            download fails.
    """
    target, recipe = Path(folder), {"dataset": name}
    if is_complete(target, recipe):
        return target
    classes = [names[i] for i in sorted(names)]
    source = local(name)
    tree = voc.find(source) if source else download(name, url=url)
    with stage(target, recipe) as staging:
        if tree:
            voc.convert(tree, staging, classes)
        elif source:
            copy(source, staging, classes)
    return target


def local(name: str) -> Path | None:
    """Return the subfolder of the dataset ``name`` in ``TINTBOX_DATA``, or None if that is not set.

    Raises:
        TintboxFileError: If there is no such folder.
    """
    value = os.environ.get(SOURCE)
    if not value:
        return None
    data = Path(value).expanduser()
    home = "unset it to download the dataset" if name in ARCHIVES else f"get it from {HOMES.get(name, 'its home')}"
    if not data.is_dir():
        raise TintboxFileError(f"{SOURCE}={value}: no such folder; let it name the folder that has '{name}', or {home}")
    if not (data / name).is_dir():
        hint = suggest(name, (p.name for p in data.iterdir() if p.is_dir()))
        raise TintboxFileError(f"{SOURCE}={value}: no folder '{name}' in it{hint or f'; {home}'}")
    return data / name


def copy(source: Path, target: Path, classes: Sequence[str]) -> None:
    """Copy images and YOLO labels from ``images/<split>`` and ``labels/<split>``, or from a Roboflow export.

    An image without a label file has no objects. Any YAML in ``source`` must have the same classes in the same order.

    Raises:
        TintboxError: If a split is missing or empty, or the classes differ.
    """
    for file in sorted(source.glob("*.yaml")):
        _check_names(file, classes)
    for split in SPLITS:
        images, labels = source / "images" / split, source / "labels" / split
        if not images.is_dir():
            images, labels = (source / ROBOFLOW[split] / kind for kind in ("images", "labels"))
        pictures = sorted(p for p in images.glob("*") if p.suffix.lower() in SUFFIXES) if images.is_dir() else []
        if not pictures or not labels.is_dir():
            lacks = f"labels of the split '{split}'" if pictures else f"images in images/{split}"
            raise TintboxFileError(f"{source}: no {lacks}; it needs images/ and labels/ with {', '.join(SPLITS)}")
        for kind in ("images", "labels"):
            (target / kind / split).mkdir(parents=True)
        for picture in pictures:
            label = labels / f"{picture.stem}.txt"
            # Not shutil.copy: copies from a read-only folder would be read-only.
            shutil.copyfile(picture, target / "images" / split / picture.name)
            if label.is_file():
                shutil.copyfile(label, target / "labels" / split / label.name)
    if (source / "LICENSE").is_file():
        shutil.copyfile(source / "LICENSE", target / "LICENSE")


def download(name: str, *, url: str | None = None) -> voc.Tree:
    """Download a dataset's archive into memory and return its Pascal VOC tree.

    Raises:
        TintboxError: If the dataset has no download, the download fails, or it is not the expected file.
    """
    url = url or ARCHIVES.get(name)
    if url is None:
        raise TintboxError(
            f"{name}: is not downloaded, its home asks for an account or has no YOLO labels; get it from "
            f"{HOMES.get(name, 'its home')}, put it into a folder '{name}' with images/ and labels/ for "
            f"{', '.join(SPLITS)}, and let {SOURCE} name the folder it is in"
        )
    remedy = (
        f"fetch it on a machine with network, unpack it as a folder '{name}' and let {SOURCE} name the folder it is in"
    )
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise TintboxError(f"{url}: cannot download {name} ({one_line(error)}); {remedy}") from error
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        archive.filename = url  # for error messages: memory has no name
        tree = voc.find(zipfile.Path(archive))
    except zipfile.BadZipFile as error:
        raise TintboxError(f"{url}: no zip file, or cut short ({one_line(error)}); try again, or {remedy}") from error
    if tree is None:
        raise TintboxError(f"{url}: no Pascal VOC tree in it (ImageSets/Main, Annotations, JPEGImages); {remedy}")
    return tree


def _check_names(file: Path, classes: Sequence[str]) -> None:
    """Raise TintboxError if a dataset YAML is damaged or names other classes; one without names passes."""
    data = yaml_file.read(file)
    names = data.get("names") if isinstance(data, Mapping) else None
    found = [names[i] for i in sorted(names)] if isinstance(names, Mapping) else names
    if found and found != list(classes):
        raise TintboxError(f"{file}: its classes are {', '.join(map(str, found))}, not {', '.join(classes)}")
