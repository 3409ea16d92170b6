from . import corpus, fold_reader, grouped, in_memory, normalised, prepared, segmented, segments, stored_rows, streamed, tfrecords
from .corpus import CorpusError, Utterance, read_csv
from .prepared import DatasetError, PreparedCorpus, open_corpus

__all__ = [
    "CorpusError",
    "DatasetError",
    "PreparedCorpus",
    "Utterance",
    "corpus",
    "fold_reader",
    "grouped",
    "in_memory",
    "normalised",
    "open_corpus",
    "prepared",
    "read_csv",
    "segmented",
    "segments",
    "stored_rows",
    "streamed",
    "tfrecords",
]
