"""Recordings to files of other formats, and files of other programs to recordings.

One module a format, registered by name and file ending: `exporters` (a recording to bytes, as a stream) and `importers`
(a file to finished recordings). Both work in memory that does not grow with what they read.
"""

from __future__ import annotations

from .exporters import FORMATS, Format, find_format
from .exporting import export, export_recording, exported
from .importers import IMPORT_FORMATS, find_importer
from .importing import ImportSummary, import_file
from .source import ExportOptions

__all__ = [
    "FORMATS",
    "IMPORT_FORMATS",
    "ExportOptions",
    "Format",
    "ImportSummary",
    "export",
    "export_recording",
    "exported",
    "find_format",
    "find_importer",
    "import_file",
]
