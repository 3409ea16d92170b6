"""What a container of the image does: as nobody, on a root that takes no write, without network, home and locale. `make test-image`.

Its name keeps it out of `make test`: it installs the packages of the image, which takes minutes.
"""

from __future__ import annotations

import io
import json
import shutil
import tarfile

import pytest
from dockerfile import Container, available, build, stages

MOST_MEGABYTES = 300  # of what an image adds to its base, compressed as it is downloaded


@pytest.fixture(scope="module")
def container(tmp_path_factory, write_corpus, pytestconfig):
    """The image of the Dockerfile, with recordings where it works."""
    if why := available():
        pytest.skip(f"no namespaces here: {why}")
    folder = tmp_path_factory.mktemp("image")
    first, last = stages()
    opt = build(first, folder)
    for name in ("root", "recordings"):
        (folder / name).mkdir()
    write_corpus(folder / "corpus", "WTA", ("03",))
    for path in (folder / "corpus" / "wav").iterdir():
        shutil.copy(path, folder / "recordings")
    return Container(last, folder / "root", opt, folder / "recordings")


@pytest.fixture(scope="module")
def encoded(container):
    """The same recording in every coding, made by the packages of the image."""
    import encodings_of

    return encodings_of.written(container.recordings, container.recordings / "03a01Ta.wav")


def answered(done):
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_its_size(container, capsys):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz", compresslevel=6) as archive:
        archive.add(container.opt, "opt")
    unpacked = sum(path.lstat().st_size for path in container.opt.rglob("*")) / 1e6
    with capsys.disabled():
        print(f"\nbeside python:3.11-slim: {held.tell() / 1e6:.0f} MB to download, {unpacked:.0f} MB on the disk")
    assert held.tell() / 1e6 < MOST_MEGABYTES


def test_it_is_nobody_and_can_write_nowhere_else_and_asks_nobody(container):
    code = """
import os, socket
print(os.getuid(), "HOME" in os.environ)
for folder in ("/", "/opt/ser-acrnn", "/tmp", "/usr"):
    try: open(folder + "/written", "w"); print("wrote", folder)
    except OSError as error: pass
try: socket.create_connection(("192.0.2.1", 80), 1); print("connected")
except OSError as error: pass
"""
    done = container.execute(["python", "-c", code])
    assert (done.stdout, done.stderr) == ("65534 False\n", "")


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".webm"])
def test_every_coding_is_predicted(container, encoded, suffix):
    (found,) = answered(container.run("predict", "--json", encoded[suffix]))
    (plain,) = answered(container.run("predict", "--json", "03a01Ta.wav"))
    assert found["emotion"] == plain["emotion"] and found["seconds"] == pytest.approx(plain["seconds"], abs=0.1)


def test_it_adapts(container):
    rows = answered(container.run("predict", "--json", "--same-speaker", "--model", "acrnn3d-emodb-adapted", "03a01Wa.wav", "03a01Ta.wav"))
    assert [row["path"] for row in rows] == ["03a01Wa.wav", "03a01Ta.wav"]


def test_it_draws_where_it_has_room_for_temporary_files(container):
    done = container.run("predict", "--plot", "attention.png", "03a01Wa.wav", tmpfs=True)
    # matplotlib asks fc-list, which this machine may have and the base has not.
    said = [line for line in done.stderr.splitlines() if not line.startswith("Fontconfig ")]
    assert (done.returncode, said) == (0, ["figure: attention.png"])
    assert (container.recordings / "attention.png").read_bytes().startswith(b"\x89PNG")


def test_without_words_it_shows_its_help_and_serve_is_there(container):
    assert "Usage: ser-acrnn" in container.run().stdout
    code = "import ser_acrnn.serving.app as app, ser_acrnn; print(app.make_app(ser_acrnn.Predictor()).title)"
    assert container.execute(["python", "-c", code]).stdout == "ser-acrnn\n"
