"""The regions Meta wants as codes: states and territories of the US, provinces of Canada.

US: ANSI two-letter codes; Canada: the postal ones. Names are compared by their letters alone.
"""

from __future__ import annotations

from purchases.countries import plain

ROWS = {
    "US": (
        "AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|"
        "DE Delaware|DC District of Columbia|DC Washington DC|FL Florida|GA Georgia|HI Hawaii|"
        "ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|KY Kentucky|LA Louisiana|ME Maine|"
        "MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|"
        "MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|"
        "NY New York|NY New York State|NC North Carolina|ND North Dakota|OH Ohio|OK Oklahoma|"
        "OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|"
        "TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|WA Washington State|"
        "WV West Virginia|WI Wisconsin|WY Wyoming|AS American Samoa|GU Guam|"
        "MP Northern Mariana Islands|PR Puerto Rico|VI Virgin Islands|VI US Virgin Islands|"
        "UM US Minor Outlying Islands|AA Armed Forces Americas|AE Armed Forces Europe|"
        "AP Armed Forces Pacific|FM Micronesia|FM Federated States of Micronesia|"
        "MH Marshall Islands|PW Palau"
    ),
    "CA": (
        "AB Alberta|BC British Columbia|BC Colombie-Britannique|MB Manitoba|NB New Brunswick|"
        "NB Nouveau-Brunswick|NL Newfoundland and Labrador|NL Newfoundland|NL Labrador|"
        "NL Terre-Neuve-et-Labrador|NS Nova Scotia|NS Nouvelle-Écosse|NT Northwest Territories|"
        "NT Territoires du Nord-Ouest|NU Nunavut|ON Ontario|PE Prince Edward Island|PE PEI|"
        "PE Île-du-Prince-Édouard|QC Québec|SK Saskatchewan|YT Yukon|YT Yukon Territory"
    ),
}


def region_code(text: str, *, country: str) -> str:
    """The lower-case code of a region of `country` (US or CA) by code or name; "" for no region.

    The code may carry its country, as in ISO 3166-2: US-CA.
    """
    return BY_NAME[country].get(plain(text.upper().removeprefix(f"{country}-")), "")


def _by_name(rows: str) -> dict[str, str]:
    table: dict[str, str] = {}
    for row in rows.split("|"):
        code, name = row.split(" ", 1)
        table[plain(code)] = table[plain(name)] = code.lower()
    return table


BY_NAME = {country: _by_name(rows) for country, rows in ROWS.items()}
