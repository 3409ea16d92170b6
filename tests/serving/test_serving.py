"""The server answers as `Predictor` does, and says no in the same words, whatever is sent."""

import asyncio
import gzip
import io
import json
import re
import threading
import time

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ser_acrnn.audio import AudioError
from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.serving.app import make_app
from ser_acrnn.serving.batches import Batches
from ser_acrnn.serving.limits import Limits

RATE = 16_000
LIMITS = Limits(body_bytes=1_000_000, files=5, recording_seconds=20, waiting=8, sending_seconds=2, answer_seconds=60, streams=1)


def sound(seconds=2.0, pitch=200, seed=0):
    time_ = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * pitch * time_) * np.abs(np.sin(2 * np.pi * 2 * time_))
    return (0.3 * tone + 0.001 * np.random.default_rng(seed).normal(size=len(time_))).astype(np.float32)


def encoded(samples, kind="WAV"):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=kind)
    return file.getvalue()


@pytest.fixture(scope="module")
def predictor():
    return Predictor("acrnn3d-emodb")


@pytest.fixture(scope="module")
def client(predictor):
    with TestClient(make_app(predictor, LIMITS)) as client:
        yield client


def same(answer, prediction):
    assert answer["emotion"] == prediction.emotion and answer["unsure"] == prediction.unsure
    assert answer["posteriors"] == pytest.approx(prediction.posteriors, abs=1e-5)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_a_body_is_answered_as_predict_answers_it(client, predictor, kind):
    body = encoded(sound(4.0), kind)
    found = client.post("/predict", content=body)
    assert found.status_code == 200
    answer, said = found.json(), predictor.predict(body)
    same(answer, said)
    assert answer["seconds"] == pytest.approx(said.seconds)
    assert answer["speech_seconds"] == pytest.approx(said.speech_seconds)


def test_the_files_of_a_form_are_answered_in_order_with_errors_in_their_place(client, predictor):
    good, other = encoded(sound()), encoded(sound(pitch=400))
    files = [("file", ("a.wav", good)), ("file", ("../../etc/b\n.wav", b"no audio")), ("more", ("c.wav", other))]
    found = client.post("/predict", files=files)
    assert found.status_code == 200
    first, second, third = found.json()["predictions"]
    same(first, predictor.predict(good))
    same(third, predictor.predict(other))
    assert [first["name"], second["name"], third["name"]] == ["a.wav", "b%0A.wav", "c.wav"]
    assert second["error"].startswith("b%0A.wav: ") and "emotion" not in second


UNUSABLE = {
    "empty": b"",
    "text": b"no audio at all",
    "silent": encoded(np.zeros(RATE)),
    "short": encoded(sound(0.1)),
    "cut off": encoded(sound())[:2_000],
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_predict_refuses_is_refused_in_its_words(client, predictor, kind):
    body = UNUSABLE[kind]
    with pytest.raises(AudioError) as refused:
        predictor.predict(body)
    found = client.post("/predict", content=body)
    assert found.status_code == 422
    assert found.json() == {"name": "the recording", "error": f"the recording: {refused.value}"}


def test_a_timeline_of_no_window_is_refused_as_the_whole_is(client):
    plain, timeline = (client.post(f"/predict{query}", content=encoded(np.zeros(0))) for query in ("", "?timeline=true"))
    assert plain.status_code == timeline.status_code == 422 and plain.json() == timeline.json()


def test_a_timeline_has_the_windows_of_the_predictors(client, predictor):
    body = encoded(sound(6.0))
    windows = client.post("/predict?timeline=true&hop=1.5", content=body).json()["windows"]
    expected = list(predictor.timeline(body, hop_seconds=1.5))
    assert [window["start_seconds"] for window in windows] == [window.start_seconds for window in expected]
    for window, said in zip(windows, expected, strict=True):
        same(window, said)
    assert client.post("/predict?timeline=true&hop=nan", content=body).status_code == 422


@pytest.mark.parametrize(("asked", "why"), [("hop_seconds=2&timeline=true", "hop_seconds"), ("hop=2", "hop is of timeline=true")])
def test_what_the_address_asks_for_in_vain_is_named(client, asked, why):
    refused = client.post(f"/predict?{asked}", content=encoded(sound()))
    assert refused.status_code == 422 and why in refused.text


FORM_HEAD = {"content-type": "multipart/form-data; boundary=x"}
FORM = (
    b"".join(
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="%d.wav"\r\n\r\n%b\r\n'
        % (number, encoded(sound(pitch=200 + number)))
        for number in range(2)
    )
    + b"--x--"
)


@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\nan epilogue"])
def test_a_form_ends_with_its_last_boundary_whatever_follows(client, end):
    assert len(client.post("/predict", content=FORM + end, headers=FORM_HEAD).json()["predictions"]) == 2


@pytest.mark.parametrize(
    "given, name",
    [
        ("filename*=UTF-8''x.wav", "x.wav"),
        ("FileName*=utf-8'en'%C3%BC%22..%2F%5Cy.wav", "y.wav"),
        ("filename=a.wav; filename*=UTF-8''x.wav", "a.wav"),
    ],
)
def test_a_part_with_an_extended_name_alone_is_a_file(client, given, name):
    head = f"--x\r\nContent-Disposition: form-data; name=file; {given}\r\n\r\n".encode()
    found = client.post("/predict", content=head + encoded(sound()) + b"\r\n--x--\r\n", headers=FORM_HEAD)
    assert [one["name"] for one in found.json()["predictions"]] == [name]


@pytest.mark.parametrize("encoding", ["Identity", "", " identity "])
def test_a_body_that_is_encoded_as_it_is_is_taken(client, encoding):
    assert client.post("/predict", content=encoded(sound()), headers={"content-encoding": encoding}).status_code == 200


@pytest.mark.parametrize(
    "status, words, sent",
    [  # whose ids are numbers
        (413, "the body has 2000000000 bytes, expected at most 1000000", {"content": b"x", "headers": {"content-length": "2000000000"}}),
        (413, "the body has more than 1000000 bytes", {"content": (b"x" * 65_536 for _ in range(20))}),
        (413, "Too many files", {"files": [("file", ("a.wav", b"x"))] * 6}),
        (415, "the body is encoded as gzip", {"content": gzip.compress(b"x" * 100), "headers": {"content-encoding": "gzip"}}),
        (400, "the form holds no file", {"files": {"a": (None, b"text")}}),
        (400, "the form is cut off", {"content": FORM[:-500], "headers": FORM_HEAD}),
        (400, "the form is cut off", {"content": FORM[:200], "headers": FORM_HEAD}),
        (400, "the form is cut off", {"content": FORM[:-6], "headers": FORM_HEAD}),
        (400, "Missing boundary", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}),
        (422, "the recording: is longer than 20 s, expected at most as much", {"content": encoded(sound(21.0), "OGG")}),
    ],
    ids=map(str, range(10)),
)
def test_too_much_or_of_another_kind_has_a_status_of_its_own(client, status, words, sent):
    found = client.post("/predict", **sent)
    assert (found.status_code, words in found.json()["error"]) == (status, True), found.text


def test_a_slow_sender_is_told_so(client):
    def slowly():
        yield b"x"
        time.sleep(LIMITS.sending_seconds + 0.5)
        yield b"x"

    found = client.post("/predict", content=slowly())
    assert found.status_code in (408, 422)


class Slow:
    """Takes as long as it is told to."""

    def __init__(self, predictor):
        self.name, self.emotions, self.preprocessor, self._predictor = "slow", predictor.emotions, predictor.preprocessor, predictor
        self.asked, self.may_answer = threading.Event(), threading.Event()

    def predict_many(self, recordings):
        self.asked.set()
        self.may_answer.wait(20)
        yield from self._predictor.predict_many(recordings)


def test_requests_that_would_wait_too_long_are_told_so_and_the_others_are_judged(predictor):
    slow, body, found = Slow(predictor), encoded(sound()), []
    with TestClient(make_app(slow, Limits(waiting=2))) as client:

        def ask():
            found.append(client.post("/predict", content=body))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        threads[0].start()
        assert slow.asked.wait(20)
        for thread in threads[1:]:
            thread.start()
        until = time.monotonic() + 20
        while len(found) < 5 and time.monotonic() < until:
            time.sleep(0.01)
        slow.may_answer.set()
        for thread in threads:
            thread.join()
    statuses = sorted(one.status_code for one in found)
    assert statuses == [200] * 3 + [503] * 5  # one is being judged, and two wait
    busy = next(one for one in found if one.status_code == 503)
    assert busy.headers["retry-after"] == "1" and "too many recordings wait" in busy.json()["error"]


def test_several_threads_answer_as_one_does_and_end_with_all_answered(predictor):
    bodies = [encoded(sound(seconds, pitch)) for seconds, pitch in ((1.0, 150), (2.0, 200), (3.5, 250), (7.0, 300))]
    expected, found = [predictor.predict(body) for body in bodies], []
    with TestClient(make_app(predictor, threads=3)) as client:
        threads = [
            threading.Thread(target=lambda number=number: found.append((number % 4, client.post("/predict", content=bodies[number % 4]))))
            for number in range(24)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 24 and {answer.status_code for _, answer in found} == {200}
    for number, answer in found:
        same(answer.json(), expected[number])
    assert not {"network-1", "network-2"} & {thread.name for thread in threading.enumerate()}


def test_an_answer_that_takes_too_long_is_a_timeout_and_the_server_lives_on(predictor):
    slow, body = Slow(predictor), encoded(sound())
    with TestClient(make_app(slow, Limits(answer_seconds=0.2))) as client:
        assert client.post("/predict", content=body).status_code == 504
        slow.may_answer.set()
        assert client.get("/health").json()["model"] == "slow"


def test_a_fault_nobody_foresaw_is_a_500_and_the_next_request_is_answered(predictor, monkeypatch):
    with TestClient(make_app(predictor), raise_server_exceptions=False) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Predictor, "predict_many", lambda *_: 1 / 0)
            assert client.post("/predict", content=b"x").status_code == 500
        assert client.post("/predict", content=encoded(sound())).status_code == 200


@pytest.mark.parametrize("kind, dtype, scale", [("s16le", "<i2", 32_767), ("f32le", "<f4", 1)])
def test_a_stream_is_answered_window_by_window_as_predict_stream_does(client, predictor, kind, dtype, scale):
    samples = (sound(5.0) * scale).astype(dtype)
    heard = samples.astype(np.float32) / (32_768 if scale > 1 else 1)
    expected = list(predictor.predict_stream([heard], hop_seconds=0.5))
    with client.websocket_connect(f"/stream?format={kind}&hop=0.5") as socket:
        data = samples.tobytes()
        for start in range(0, len(data), 4_001):  # samples are cut in two
            socket.send_bytes(data[start : start + 4_001])
        socket.send_text("end")
        answers = [json.loads(socket.receive_text()) for _ in expected]
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_text()
    assert closed.value.code == 1000
    for answer, said in zip(answers, expected, strict=True):
        assert answer["end_seconds"] == said.end_seconds
        same(answer, said)


def test_the_reason_of_a_stream_that_is_closed_has_the_bytes_that_a_reason_may_have(client):
    with client.websocket_connect("/stream?format=" + "\N{GRINNING FACE}" * 30) as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert (
        closed.value.code == 1008
        and len(closed.value.reason.encode()) <= 123
        and closed.value.reason.startswith("format is '\N{GRINNING FACE}")
    )


def test_a_stream_asked_for_what_is_unknown_is_closed_with_its_name(client):
    with client.websocket_connect("/stream?rate=8000") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert (closed.value.code, closed.value.reason) == (1008, "the address asks for rate, expected format and hop")


@pytest.mark.parametrize("asked", ["format=mp3", "hop=0", "hop=inf", "hop=abc", "hop="])
def test_a_stream_that_cannot_be_is_closed_with_a_reason(client, asked):
    with client.websocket_connect(f"/stream?{asked}") as socket, pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_text()
    assert closed.value.code == 1008 and "expected format s16le or f32le, hop 0.1 to 3600 seconds" in closed.value.reason


def test_text_in_a_stream_and_one_stream_too_many_are_closed_with_a_reason(client):
    with client.websocket_connect("/stream") as first:
        with client.websocket_connect("/stream") as second, pytest.raises(WebSocketDisconnect) as closed:
            second.receive_text()
        assert closed.value.code == 1013
        first.send_text("hello")
        with pytest.raises(WebSocketDisconnect) as closed:
            first.receive_text()
        assert closed.value.code == 1008


def test_networks_health_and_counts_are_shown(client, predictor):
    models = client.get("/models").json()
    answering = [model for model in models if model["answers"]]
    assert [(model["name"], model["emotions"]) for model in answering] == [("acrnn3d-emodb", list(predictor.emotions))]
    assert client.get("/health").json()["status"] == "ok"
    client.get("/nothing/here")
    shown = client.get("/metrics").text
    assert re.search(r'ser_acrnn_requests_total\{path="/predict",status="200"\} [1-9]', shown)
    assert 'ser_acrnn_requests_total{path="other",status="404"}' in shown
    assert "ser_acrnn_together_count" in shown and "/nothing/here" not in shown


def test_the_page_that_describes_it_needs_no_other_server(client):
    page = client.get("/docs").text
    assert "swagger" in page.lower() and not re.search(r"(src|href)=\"https?://", page)
    described = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    assert set(described["requestBody"]["content"]) == {"audio/*", "multipart/form-data"}
    assert {"200", "408", "413", "415", "422", "503", "504"} <= described["responses"].keys()


def test_a_timeline_whose_client_has_gone_is_judged_no_further():
    asked, heard = threading.Event(), []

    class Slow:
        def timeline(self, recording, hop_seconds):
            for number in range(1_000):
                heard.append(number)
                asked.set()
                time.sleep(0.01)
                yield number

    async def ask_and_go():
        batches = Batches(Slow(), 4)
        waiting = asyncio.create_task(batches.judged(io.BytesIO(b""), 1.0))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.sleep(0)
        batches.end()

    asyncio.run(ask_and_go())
    assert len(heard) < 100
