"""The page as its readers meet it, in a browser: an answer, a long recording, adaptation, refusals, microphone, keyboard, a phone."""

import re

import pytest

from ser_acrnn.inference.predictor import Predictor
from ser_acrnn.pretrained import DEFAULT_MODEL

pytestmark = pytest.mark.browser

FOCUSED = "document.activeElement === document.body ? '' : document.activeElement.ariaLabel || document.activeElement.innerText"
PHONE = {"width": 320, "height": 640}


@pytest.fixture(scope="module")
def predictor():
    return Predictor()


def shares(text):
    return {name: float(share) for name, share in re.findall(r"^(\w+)\s+(\d\.\d\d)$", text, re.MULTILINE)}


def decision(prediction):
    return "unsure" if prediction.unsure else prediction.emotion


def fits(page):
    """Whether nothing is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_an_upload_is_answered_as_predict_answers_it_with_its_figure(window, predictor):
    window.upload("03a01Wa.wav")
    text, found = window.ask(), predictor.predict(window.recordings["03a01Wa.wav"])
    assert text.startswith(decision(found)) and shares(text) == pytest.approx(found.posteriors, abs=0.006)
    figure = window.page.locator("#answer img")
    assert "Waveform, log-Mels, attention and posteriors of 03a01Wa.wav" in figure.get_attribute("alt")
    assert figure.evaluate("one => one.complete && one.naturalWidth > 1000")
    assert "It must not be used to judge people" in " ".join(window.page.inner_text("body").split())


def test_a_long_recording_has_its_timeline(window, predictor):
    window.upload("long.wav")
    text, found = window.ask(), predictor.predict(window.recordings["long.wav"])
    rows = window.page.locator("#answer .windows tbody tr").all_inner_texts()
    assert len(rows) == len(found.segments) > 60 and rows[0].split("\t")[0].strip() == "0:00.0 to 0:03.0"
    assert [row.split("\t")[1].strip() for row in rows if "not judged" not in row] == [
        decision(one) for one in found.segments if not one.flaw
    ]
    flawed = sum("not judged: it " in row for row in rows)
    assert flawed == sum(bool(one.flaw) for one in found.segments) > 0 and f"{flawed} of {len(rows)} windows" in text


def test_it_adapts_to_the_speaker(window):
    window.upload("03a01Wa.wav")
    alone = window.ask()
    window.page.get_by_role("button", name="Adapt to the speaker").click()
    window.upload("03a01Ta.wav", "03a01Aa.wav", "notes.txt", label="Other recordings")
    text, adapted = window.ask(), Predictor()
    adapted.enrol([window.recordings[name] for name in ("03a01Wa.wav", "03a01Ta.wav", "03a01Aa.wav")])
    assert shares(text) == pytest.approx(adapted.predict(window.recordings["03a01Wa.wav"]).posteriors, abs=0.006) != shares(alone)
    assert "1 of 4 recordings could not be used:" in text and "3 recordings of the speaker" in text


def test_what_is_no_audio_is_refused_in_predict_s_words(window, predictor, monkeypatch):
    window.upload("notes.txt")
    monkeypatch.chdir(window.recordings["notes.txt"].parent)
    with pytest.raises(ValueError) as error:
        predictor.predict("notes.txt")
    assert window.ask() == str(error.value) and window.page.get_by_role("alert").filter(has_text="notes.txt").is_visible()


def test_the_microphone_is_heard_and_what_came_last_is_judged(window):
    window.upload("notes.txt")
    window.page.get_by_role("button", name="Record", exact=True).click()
    window.page.wait_for_timeout(2_500)
    window.page.get_by_role("button", name="Stop").click()
    window.page.get_by_role("button", name="Play", exact=True).wait_for()
    text = window.ask()
    assert "audio.wav: " in text and set(shares(text)) == set(Predictor().emotions)
    window.upload("03a01Ta.wav")
    assert "03a01Ta.wav: " in window.ask()


def test_the_keyboard_alone_is_enough(window):
    def reach(name):
        for _ in range(40):
            window.page.keyboard.press("Tab")
            if name in window.page.evaluate(FOCUSED):
                return
        raise AssertionError(f"{name!r} is not reached")

    reach("Click to upload")
    with window.page.expect_file_chooser() as chosen:
        window.page.keyboard.press("Enter")
    chosen.value.set_files(window.recordings["long.wav"])
    window.page.locator(".file-preview").wait_for()
    reach("Judge the recording")
    assert "Each window of 3 s" in window.answered(lambda: window.page.keyboard.press("Enter"))
    reach("Each window of 3 s")
    window.page.keyboard.press("End")
    window.page.wait_for_function("document.activeElement.scrollTop > 0")
    reach("What the words mean")
    window.page.keyboard.press("Enter")
    window.page.get_by_text("Shares say how the network leans").wait_for()


def test_a_phone_shows_it_without_scrolling_sideways(window):
    window.page.set_viewport_size(PHONE)
    for name in ("Adapt to the speaker", "What the words mean", f"The network {DEFAULT_MODEL}"):
        window.page.get_by_role("button", name=name).click()
    window.page.get_by_text("Data and training").wait_for()
    assert fits(window.page)
    window.upload("long.wav")
    window.ask()
    assert fits(window.page)
    assert window.page.locator("#answer img").evaluate("one => one.naturalWidth") < 600  # drawn for a narrow page
    window.upload("notes.txt")
    window.ask()
    assert fits(window.page)


def test_the_window_asks_nobody_but_the_server(window):
    window.page.get_by_role("button", name=f"The network {DEFAULT_MODEL}").click()
    window.upload("03a01Wa.wav")
    window.ask()
    own = window.address, f"blob:{window.address}", "data:"
    assert len(window.requested) > 20 and not [url for url in window.requested if not url.startswith(own)]
