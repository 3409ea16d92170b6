"""The catalogue against the letter."""

import pytest

from experiments import catalogue


def test_table_1_is_the_letters():
    published = [catalogue.PUBLISHED["emodb", f"acrnn3d-{layers}conv"] for layers in range(1, 8)]
    assert [number.mean for number in published] == [81.53, 81.72, 82.74, 81.75, 82.82, 82.69, 80.84]
    assert [number.deviation for number in published] == [6.96, 6.32, 5.03, 6.22, 4.99, 5.53, 5.09]
    assert catalogue.PUBLISHED["emodb", "acrnn2d-5conv"].mean == 79.38


def test_table_1_of_iemocap_is_the_letters():
    published = [catalogue.PUBLISHED["iemocap", f"acrnn3d-{layers}conv"].mean for layers in range(1, 8)]
    assert published == [64.20, 64.18, 64.11, 64.62, 63.80, 64.74, 63.95]
    assert catalogue.PUBLISHED["iemocap", "acrnn2d-6conv"].mean == 62.40


def test_iemocaps_validation_speaker_is_the_partner_of_the_session():
    partner = catalogue.corpus("iemocap").partner
    assert partner["1F"] == "1M" and partner["5M"] == "5F" and len(partner) == 10


def test_a_variant_is_named_and_has_no_published_number():
    variant = catalogue.corpus("iemocap-all-excited")
    assert (variant.name, variant.title) == ("iemocap-all-excited", "IEMOCAP, variant all-excited")
    assert variant.emotions == catalogue.corpus("iemocap").emotions
    assert "Generated audio" in catalogue.corpus("iemocap-synthetic").caveat and not variant.caveat
    assert not any(name == variant.name for name, _ in catalogue.PUBLISHED)
    with pytest.raises(ValueError, match="no corpus is called 'other'"):
        catalogue.corpus("other")


def test_a_2d_system_is_the_3d_one_with_one_channel():
    for layers in (1, 5):
        wide, flat = catalogue.SYSTEMS[f"acrnn3d-{layers}conv"], catalogue.SYSTEMS[f"acrnn2d-{layers}conv"]
        assert (wide.model.channels, flat.model.channels) == (3, 1)
        assert len(wide.model.conv) == len(flat.model.conv) == layers
        assert wide.training == flat.training and wide.features == flat.features


def test_an_unknown_system_is_named():
    with pytest.raises(ValueError, match="'acrnn4d'"):
        catalogue.system("acrnn4d", catalogue.CORPORA["emodb"])


@pytest.mark.parametrize("text, numbers", [("0", [0]), ("0,2", [0, 2]), ("3-5", [3, 4, 5]), ("7,0-2,1", [0, 1, 2, 7])])
def test_lists_of_numbers_and_ranges(text, numbers):
    assert catalogue.number_list(text) == numbers


@pytest.mark.parametrize("text", ["", "a", "1-", "1,,2", "1..3"])
def test_other_lists_are_refused(text):
    with pytest.raises(ValueError, match="expected something like"):
        catalogue.number_list(text)


def test_systems_are_ordered_and_titled_as_the_tables():
    names = ["zebra", "acrnn2d-1conv", "tiny", "acrnn3d-1conv", "tiny"]
    assert catalogue.order(names) == ["tiny", "acrnn3d-1conv", "acrnn2d-1conv", "zebra"]
    assert catalogue.titles(["acrnn3d-5conv"]) == {"acrnn3d-5conv": "3-D ACRNN, 5 conv"}
