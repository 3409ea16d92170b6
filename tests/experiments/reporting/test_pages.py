"""What pages quote is what the committed results say; and a page that parts from them is named."""

import shutil
from pathlib import Path

from experiments.reporting import summarise

ROOT = Path(__file__).parents[3]
PAGES = ("README.md", "docs/results/emodb.md")
CARDS = ROOT / "ser_acrnn" / "pretrained"


def check(pages, cards=CARDS):
    asked = ["emodb", "--check", f"--results={ROOT / 'results'}", "--pages", *map(str, pages), f"--cards={cards}"]
    return summarise.main(asked)


def test_readme_pages_and_cards_are_what_the_results_say(tmp_path, capsys):
    before = {path: path.read_bytes() for path in (ROOT / "results" / "emodb").glob("*.*") if path.is_file()}
    assert check([ROOT / page for page in PAGES]) == 0, capsys.readouterr().err
    assert {path: path.read_bytes() for path in before} == before  # nothing is written

    readme, cards = tmp_path / "README.md", tmp_path / "cards"
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    readme.write_text(text.replace("| best: two light networks", "| best: three light networks", 1), encoding="utf-8")
    shutil.copytree(CARDS, cards)
    card = cards / "acrnn3d-emodb.md"
    card.write_text(card.read_text(encoding="utf-8").replace("UAR 78", "UAR 79", 1), encoding="utf-8")
    assert check([readme], cards) == 1
    error = capsys.readouterr().err
    assert str(readme) in error and str(card) in error and "acrnn3d-emodb-adapted.md" not in error
