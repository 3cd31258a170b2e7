"""Offline datasets in D4RL's HDF5 layout: reading, checking, fetching, collecting, inspecting."""

from vitamin.platform.datasets.cache import cache_directory, cached_path, dataset_path
from vitamin.platform.datasets.collect import collect_dataset
from vitamin.platform.datasets.fetch import fetch_dataset, import_dataset
from vitamin.platform.datasets.inspect import DatasetReport, inspect_dataset
from vitamin.platform.datasets.loading import (
    LoadedDataset,
    dataset_warnings,
    load_dataset,
    read_dataset,
)
from vitamin.platform.datasets.provenance import dataset_label, fingerprint

__all__ = [
    "DatasetReport",
    "LoadedDataset",
    "cache_directory",
    "cached_path",
    "collect_dataset",
    "dataset_label",
    "dataset_path",
    "dataset_warnings",
    "fetch_dataset",
    "fingerprint",
    "import_dataset",
    "inspect_dataset",
    "load_dataset",
    "read_dataset",
]
