from collections import Counter

from phonenumbers import SUPPORTED_REGIONS

from purchases.countries import BY_NAME, ROWS, alpha_2, plain


def test_no_name_means_two_countries():
    names = Counter()
    for row in ROWS.strip().splitlines():
        code, alpha_3, others = row.split(" ", 2)
        names.update({plain(name) for name in (code, alpha_3, *others.split("|"))})

    assert [name for name, count in names.items() if count > 1] == []


def test_every_country_is_there():
    codes = set(BY_NAME.values())

    assert len(codes) == 250  # 249 of ISO 3166-1, and Kosovo
    assert set(SUPPORTED_REGIONS) - codes == {"AC", "TA"}  # islands of Saint Helena


def test_nothing_is_no_country():
    assert alpha_2("") == ""
    assert alpha_2(" ?! ") == ""
