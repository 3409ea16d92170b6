"""The Dockerfile asks for what the package asks for, copies what it may, and runs as nobody; what it does is in container_walk.py."""

import configparser

from dockerfile import NOBODY, ROOT, copied, environment, stages


def lines(path):
    return [line for line in (ROOT / path).read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]


def test_its_packages_are_those_of_predicting_drawing_and_serving():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    drawing = [line for line in setup["options"]["install_requires"].split("\n") if line.startswith("matplotlib ")]
    serving = setup["options.extras_require"]["serve"].strip().split("\n")
    assert lines("requirements-image.txt") == ["-r requirements-predict.txt", *drawing, *serving]


def test_what_it_copies_is_there_and_is_all_that_a_builder_is_handed():
    names = copied(stages()[0])
    assert all((ROOT / name).exists() for name in names) and not copied(stages()[1])
    assert sorted(line[1:] for line in lines(".dockerignore") if line.startswith("!")) == sorted(names)


def test_it_runs_as_nobody_with_the_command_found():
    last = stages()[1]
    assert last.one("USER") == NOBODY and environment(last)["PATH"].startswith("/opt/ser-acrnn/bin:")
    assert last.one("ENTRYPOINT") == '["ser-acrnn"]' and "HOME" not in environment(last)


def test_a_line_that_goes_on_is_one():
    (stage,) = stages("FROM a AS b\n# c\nRUN d \\\n    e\nENV F=g\n")
    assert stage.name == "b" and stage.one("RUN").split() == ["d", "e"] and stage.all("COPY") == []
