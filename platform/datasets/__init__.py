"""Offline datasets in D4RL's HDF5 layout: reading, checking, fetching, collecting, inspecting."""

from vitamin.platform.datasets.cache import cache_directory, cached_path
from vitamin.platform.datasets.collect import collect_dataset
from vitamin.platform.datasets.export import Exportable, export_dataset
from vitamin.platform.datasets.fetch import fetch_dataset, import_dataset
from vitamin.platform.datasets.inspect import DatasetReport, inspect_dataset
from vitamin.platform.datasets.loading import (
    LoadedDataset,
    dataset_warnings,
    load_dataset,
    read_dataset,
)
from vitamin.platform.datasets.minari_read import fetch_minari
from vitamin.platform.datasets.provenance import dataset_label, fingerprint
from vitamin.platform.datasets.sources import dataset_path, is_file_source, source_path

__all__ = [
    "DatasetReport",
    "Exportable",
    "LoadedDataset",
    "cache_directory",
    "cached_path",
    "collect_dataset",
    "dataset_label",
    "dataset_path",
    "dataset_warnings",
    "export_dataset",
    "fetch_dataset",
    "fetch_minari",
    "fingerprint",
    "import_dataset",
    "inspect_dataset",
    "is_file_source",
    "load_dataset",
    "read_dataset",
    "source_path",
]
