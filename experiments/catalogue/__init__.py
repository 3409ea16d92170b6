"""The named experiments: which systems stand in Tables I and II, and what the paper reports for each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import replace

from data_prep.loader import GENERATED, Corpus, find
from experiments.catalogue import ablations, baselines, best
from experiments.catalogue.best import ADAPTED, BEST
from experiments.catalogue.published import BEST_DEPTH
from experiments.catalogue.system import SEEDS as SEEDS
from experiments.catalogue.system import System
from ser_acrnn.cli.settings import number_list as number_list
from ser_acrnn.config import PRESETS, DnnElmConfig, DnnElmPreset, Preset, TrainConfig
from ser_acrnn.config.features import FRAME_RECIPES
from ser_acrnn.evaluation import ensembles
from ser_acrnn.evaluation.protocol import BY_SPEAKER, SPEAKER_AND_TEXTS
from ser_acrnn.evaluation.results import RunResult

# Networks that judge together, run by run; nothing is trained for them. What is normalised by the training speakers hears a voice's level
# and colour, what is normalised by the utterance does not, and what is normalised by the speaker knows what is usual for that voice.
ENSEMBLES = {
    "lite-together": ("lite-augmented", "lite-by-utterance"),
    "lite-adapted": tuple(f"{name}.adapted" for name in BEST),
    "best": ("best-by-training", "best-by-utterance"),
    "best-adapted": tuple(ADAPTED.values()),
    **{f"best-adapted.{name}": tuple(f"{member}.{name}" for member in ADAPTED.values()) for name in ablations.DISJOINT},
}


def _baseline() -> DnnElmPreset:
    # Neither Han et al. nor the paper give the DNN's training.
    training = TrainConfig(batch_size=128, learning_rate=3e-4, epochs=20, patience=5, precision="float32")
    return DnnElmPreset(FRAME_RECIPES["mfcc-pitch"], DnnElmConfig(), training)


def _networks() -> list[System]:
    """What is trained and stands for itself."""
    baseline = _baseline()
    # Ours: all of an utterance, a segment each 50 ms.
    whole = replace(baseline, model=replace(baseline.model, segment_hop_frames=5, loudest_share=1.0))
    presets = {
        "tiny": PRESETS["tiny"],
        "narrow": ablations.NARROW,
        "lite": PRESETS["lite"],
        **{name: PRESETS[name] for name in BEST},
        **best.systems(),
    }
    return [
        *(System(name, preset, conditions=ablations.conditions(name)) for name, preset in presets.items()),
        System("dnn-elm", baseline, "DNN-ELM"),
        System("dnn-elm-whole", whole, "DNN-ELM, whole utterances"),
        *(
            System(name, preset, f"{dimensions}-D ACRNN, {layers} conv", conditions=ablations.conditions(name))
            for (dimensions, layers), (name, preset) in zip(ablations.DEPTHS, ablations.PAPER.items(), strict=True)
        ),
    ]


def _systems() -> dict[str, System]:
    """All of them as tables order them: an ensemble behind the last of its members, changes of systems after all others."""
    changes = {f"{base}.{name}": System(f"{base}.{name}", preset, base=base, change=name) for base, name, preset in ablations.systems()}
    svms = [System(name, preset, baselines.TITLES[name], seeds=1) for name, preset in baselines.SYSTEMS.items()]
    found: list[System] = []
    for system in [*_networks(), *changes.values(), *svms]:
        found.append(system)
        for name, members in ENSEMBLES.items():
            last = changes[members[-1]].base if members[-1] in changes else members[-1]
            found += [System(name, members=members)] if last == system.name else []
    return {system.name: system for system in found}


SYSTEMS = _systems()

# What a reader asks for first, and what each system knows.
HEADLINES = {
    "best": "two light networks together, nothing known of the speaker",
    "best-by-utterance": "one of them",
    "opensmile-compare-svm": "6373 functionals and a linear SVM, what many would use instead",
    "lite": "the light network, trained as the paper says",
    "acrnn3d-5conv": "the paper's network with five convolutions, its best on Emo-DB",
    "acrnn3d-1conv": "the paper's network with one convolution",
    "dnn-elm": "the paper's baseline",
}
# Where other recordings of the test speaker are heard before, without labels. No row of the paper's is beside these.
HEADLINES_ADAPTED = {
    "best-adapted": "three light networks together, transductive: all of the test speaker's recordings are heard, in all moods and those "
    "that are judged among them",
    "best-adapted.halves": "the same, adapted to one half of the recordings and judged on the other",
    "best-adapted.heard-16": "the same, adapted to 16 other recordings",
    "best-adapted.heard-8": "the same, adapted to 8 other recordings",
    "opensmile-compare-svm-by-speaker": "functionals standardised by all of the speaker's recordings, transductive too",
}


# Compared on the runs that both have: what deltas and delta-deltas are worth, at each depth; the network against the baseline; what the
# light network gives away; what its augmentation and its best training gain, and what knowing the speaker does; the networks against
# what a user would pick instead.
PAIRS = (
    [(f"acrnn3d-{layers}conv", f"acrnn2d-{layers}conv") for layers in range(1, 8)]
    + [(f"acrnn{dimensions}d-{layers}conv", "dnn-elm") for layers in range(1, 8) for dimensions in (3, 2)]
    + [("narrow", "acrnn3d-1conv")]
    + [("lite", f"acrnn3d-{layers}conv") for layers in range(1, 8)]
    + [
        ("lite-augmented", "lite"),
        ("lite-by-utterance", "lite-augmented"),
        ("lite-together", "lite-augmented"),
        ("lite-together", "lite-by-utterance"),
        ("lite-together", "lite"),
        ("best", "lite-together"),
        ("best-by-speaker", "lite-by-speaker"),
        ("adapted-by-training", "best-by-training"),
        ("adapted-by-utterance", "best-by-utterance"),
        ("adapted-by-speaker", "best-by-speaker"),
        ("adapted-by-speaker", "adapted-by-utterance"),
        ("best-adapted", "adapted-by-speaker"),
        ("best-adapted", "best"),
        ("best", "acrnn3d-1conv"),
        ("best-adapted", "acrnn3d-1conv"),
    ]
    + baselines.PAIRS
)


def table_systems(table: str, corpus: Corpus) -> list[str]:
    """The systems of one of the paper's tables: in Table II the depth is the one that Table I finds best.

    Raises:
        ValueError: The paper has no such table of the corpus.
    """
    depth = BEST_DEPTH.get(base(corpus.name))
    if table == "table1" and depth:
        return [f"acrnn3d-{layers}conv" for layers in range(1, 8)]
    if table == "table2" and depth:
        return ["dnn-elm", f"acrnn2d-{depth}conv", f"acrnn3d-{depth}conv"]
    raise ValueError(f"the paper has no {table!r} of {corpus.name!r}, expected table1 or table2 of one of {sorted(BEST_DEPTH)}")


def base(name: str) -> str:
    """The corpus that a variant such as `iemocap-excited` is one of."""
    return name.partition("-")[0]


def corpus(name: str) -> Corpus:
    """The entry of a prepared corpus; a variant such as `iemocap-excited` is judged as its corpus, under a title that names it.

    Raises:
        CorpusError: No loader of that name.
    """
    variant = name.partition("-")[2]
    known: Corpus = find(base(name)).CORPUS
    if not variant:
        return known
    caveat = GENERATED if "synthetic" in variant.split("-") else known.caveat
    return replace(known, name=name, title=f"{known.title}, variant {variant}", caveat=caveat)


def partner(corpus: Corpus, protocol: str) -> Mapping[str, str] | None:
    """Who validates where whom is tested, by the corpus; None: the next one."""
    return corpus.partner if protocol in (corpus.protocol, *BY_SPEAKER, SPEAKER_AND_TEXTS) else None


def system(name: str, corpus: Corpus) -> Preset | DnnElmPreset:
    """The configuration of a system on a corpus.

    Raises:
        ValueError: An unknown name.
    """
    trainable = {system.name: system.preset for system in SYSTEMS.values() if isinstance(system.preset, Preset | DnnElmPreset)}
    if name not in trainable:
        if members := entry(name).members:
            raise ValueError(f"{name!r} is put together from {' and '.join(members)}, expected a system that is trained, such as these")
        alike = difflib.get_close_matches(name, trainable, cutoff=0.4) or sorted(one for one in trainable if "." not in one)
        raise ValueError(f"no system is called {name!r}, expected one of the {len(trainable)} of the glossary, such as {', '.join(alike)}")
    preset = trainable[name]
    return replace(preset, model=replace(preset.model, emotions=corpus.emotions))


def entry(name: str) -> System:
    """The system of a name; one that the catalogue does not know stands for itself."""
    return SYSTEMS.get(name, System(name))


def trained(names: Iterable[str]) -> list[str]:
    """What has to be trained for some systems: for ensembles their members, each once."""
    return list(dict.fromkeys(member for name in names for member in (entry(name).members or (name,))))


def with_ensembles(results: Iterable[RunResult]) -> list[RunResult]:
    """Results of one corpus, and behind them the runs of the ensembles."""
    every = list(results)
    for system in SYSTEMS.values():
        every += ensembles.ensemble(system.name, system.members, every) if system.members else []
    return every


def cost(preset: Preset | DnnElmPreset) -> float:
    """Multiply-adds of a forward pass over a second of audio: what a run takes beside another one, roughly."""
    if isinstance(preset, DnnElmPreset):
        segments_a_second = preset.model.loudest_share / (preset.model.segment_hop_frames * preset.features.shift_seconds)
        return segments_a_second * preset.model.multiply_adds(preset.features.shape[0])
    return preset.model.multiply_adds() / preset.features.segment_seconds


def order(names: Iterable[str]) -> list[str]:
    """System names without repetition in the catalogue's order; unknown ones come last."""
    known = [name for row in SYSTEMS for name in (row, row + ensembles.SUFFIX)]
    return sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name))


def ordered(results: Iterable[RunResult]) -> list[RunResult]:
    """By system as the catalogue has them, then by fold and seed."""
    every = list(results)
    names = order(result.system for result in every)
    return sorted(every, key=lambda result: (names.index(result.system), result.fold["test"], result.seed))


def titles(names: Iterable[str]) -> dict[str, str]:
    """System names as tables call them."""
    return {name: _title(name) for name in names}


def _title(name: str) -> str:
    alone = name.removesuffix(ensembles.SUFFIX)
    return entry(alone).title + (", seeds together" if name != alone else "")
