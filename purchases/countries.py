"""Countries by any of their names: what a buyer typed becomes ISO 3166-1 alpha-2.

One row per country: alpha-2, alpha-3, then its names (English, its own, common short forms), compared
without case, accents, spaces and punctuation. A row is matched as a whole or not at all: guessing by
the first letters makes Greece of Great Britain.
"""

from __future__ import annotations

import re
import unicodedata

ROWS = """
AD AND Andorra
AE ARE United Arab Emirates|UAE|Emirates|الإمارات العربية المتحدة|الإمارات
AF AFG Afghanistan|افغانستان|أفغانستان
AG ATG Antigua and Barbuda|Antigua
AI AIA Anguilla
AL ALB Albania|Shqipëria|Shqipëri
AM ARM Armenia|Հայաստան
AO AGO Angola
AQ ATA Antarctica
AR ARG Argentina|Argentine Republic
AS ASM American Samoa
AT AUT Austria|Österreich|Oesterreich|Republik Österreich
AU AUS Australia|Commonwealth of Australia
AW ABW Aruba
AX ALA Åland Islands|Åland|Ahvenanmaa
AZ AZE Azerbaijan|Azərbaycan
BA BIH Bosnia and Herzegovina|Bosnia|Bosnia-Herzegovina|Bosna i Hercegovina|Босна и Херцеговина
BB BRB Barbados
BD BGD Bangladesh|বাংলাদেশ
BE BEL Belgium|België|Belgique|Belgien
BF BFA Burkina Faso
BG BGR Bulgaria|България
BH BHR Bahrain|البحرين
BI BDI Burundi
BJ BEN Benin|Bénin
BL BLM Saint Barthélemy|St. Barthélemy|Saint-Barthélemy
BM BMU Bermuda
BN BRN Brunei|Brunei Darussalam
BO BOL Bolivia|Plurinational State of Bolivia|Bolivia (Plurinational State of)
BQ BES Caribbean Netherlands|Bonaire|Bonaire, Sint Eustatius and Saba
BR BRA Brazil|Brasil|Federative Republic of Brazil
BS BHS Bahamas|The Bahamas|Bahamas, The
BT BTN Bhutan|འབྲུག་ཡུལ
BV BVT Bouvet Island
BW BWA Botswana
BY BLR Belarus|Беларусь|Белоруссия
BZ BLZ Belize
CA CAN Canada
CC CCK Cocos (Keeling) Islands|Cocos Islands|Keeling Islands
CD COD Democratic Republic of the Congo|DR Congo|DRC|Congo-Kinshasa|Congo (Kinshasa)|\
Congo, Democratic Republic of the|Congo, The Democratic Republic of the|\
République démocratique du Congo
CF CAF Central African Republic|République centrafricaine
CG COG Congo|Republic of the Congo|Congo-Brazzaville|Congo (Brazzaville)
CH CHE Switzerland|Swiss Confederation|Schweiz|Suisse|Svizzera|Svizra
CI CIV Côte d'Ivoire|Ivory Coast
CK COK Cook Islands
CL CHL Chile
CM CMR Cameroon|Cameroun
CN CHN China|People's Republic of China|PRC|PR China|Mainland China|中国|中國|中华人民共和国
CO COL Colombia
CR CRI Costa Rica
CU CUB Cuba
CV CPV Cape Verde|Cabo Verde
CW CUW Curaçao
CX CXR Christmas Island
CY CYP Cyprus|Κύπρος|Kıbrıs
CZ CZE Czechia|Czech Republic|Česko|Česká republika
DE DEU Germany|Deutschland|Bundesrepublik Deutschland|Federal Republic of Germany|Allemagne|Alemania
DJ DJI Djibouti
DK DNK Denmark|Danmark
DM DMA Dominica
DO DOM Dominican Republic|República Dominicana
DZ DZA Algeria|Algérie|الجزائر
EC ECU Ecuador
EE EST Estonia|Eesti
EG EGY Egypt|مصر|Arab Republic of Egypt
EH ESH Western Sahara
ER ERI Eritrea
ES ESP Spain|España|Espanya|Espagne|Spanien|Reino de España
ET ETH Ethiopia|ኢትዮጵያ
FI FIN Finland|Suomi
FJ FJI Fiji
FK FLK Falkland Islands|Falkland Islands (Malvinas)|Islas Malvinas
FM FSM Micronesia|Federated States of Micronesia|Micronesia, Federated States of
FO FRO Faroe Islands|Føroyar|Færøerne
FR FRA France|République française|French Republic|Frankreich|Francia
GA GAB Gabon
GB GBR United Kingdom|Regno Unito|Reino Unido|Royaume-Uni|UK|Great Britain|Britain|England|Scotland|\
Wales|Northern Ireland|\
United Kingdom of Great Britain and Northern Ireland|United Kingdom (UK)|Vereinigtes Königreich|\
Royaume-Uni|Reino Unido
GD GRD Grenada
GE GEO Georgia|საქართველო
GF GUF French Guiana|Guyane|Guyane française
GG GGY Guernsey
GH GHA Ghana
GI GIB Gibraltar
GL GRL Greenland|Kalaallit Nunaat|Grønland
GM GMB Gambia|The Gambia|Gambia, The
GN GIN Guinea|Guinée
GP GLP Guadeloupe
GQ GNQ Equatorial Guinea|Guinea Ecuatorial
GR GRC Greece|Ελλάδα|Ελλάς|Hellas|Hellenic Republic|EL|Griechenland|Grèce
GS SGS South Georgia and the South Sandwich Islands|South Georgia|South Georgia/Sandwich Islands|\
South Georgia & South Sandwich Islands
GT GTM Guatemala
GU GUM Guam
GW GNB Guinea-Bissau|Guiné-Bissau
GY GUY Guyana
HK HKG Hong Kong|Hong Kong SAR|Hong Kong SAR China|Hong Kong S.A.R.|香港|中國香港
HM HMD Heard Island and McDonald Islands
HN HND Honduras
HR HRV Croatia|Hrvatska
HT HTI Haiti|Haïti|Ayiti
HU HUN Hungary|Magyarország
ID IDN Indonesia|Republic of Indonesia|Republik Indonesia
IE IRL Ireland|Éire|Republic of Ireland
IL ISR Israel|ישראל|إسرائيل
IM IMN Isle of Man
IN IND India|Bharat|भारत|Republic of India
IO IOT British Indian Ocean Territory
IQ IRQ Iraq|العراق
IR IRN Iran|Islamic Republic of Iran|Iran, Islamic Republic of|ایران|إيران
IS ISL Iceland|Ísland
IT ITA Italy|Italian Republic|Italia|Repubblica Italiana|Italien|Italie
JE JEY Jersey
JM JAM Jamaica
JO JOR Jordan|الأردن
JP JPN Japan|日本|日本国|Nippon|Nihon
KE KEN Kenya
KG KGZ Kyrgyzstan|Кыргызстан|Киргизия
KH KHM Cambodia|កម្ពុជា
KI KIR Kiribati
KM COM Comoros|Komori|Comores|جزر القمر
KN KNA Saint Kitts and Nevis|St. Kitts and Nevis|St Kitts & Nevis
KP PRK North Korea|Democratic People's Republic of Korea|Korea, Democratic People's Republic of|DPRK
KR KOR South Korea|Korea|Republic of Korea|Korea, Republic of|Korea (South)|대한민국|한국
KW KWT Kuwait|الكويت
KY CYM Cayman Islands
KZ KAZ Kazakhstan|Қазақстан|Казахстан
LA LAO Laos|Lao People's Democratic Republic|Lao PDR|ລາວ
LB LBN Lebanon|Liban|لبنان
LC LCA Saint Lucia|St. Lucia
LI LIE Liechtenstein
LK LKA Sri Lanka|ශ්‍රී ලංකාව|இலங்கை
LR LBR Liberia
LS LSO Lesotho
LT LTU Lithuania|Lietuva
LU LUX Luxembourg|Luxemburg|Lëtzebuerg
LV LVA Latvia|Latvija
LY LBY Libya|ليبيا
MA MAR Morocco|Maroc|المغرب
MC MCO Monaco
MD MDA Moldova|Republic of Moldova|Moldova, Republic of
ME MNE Montenegro|Crna Gora|Црна Гора
MF MAF Saint Martin|Saint-Martin|St. Martin|Saint Martin (French part)
MG MDG Madagascar|Madagasikara
MH MHL Marshall Islands
MK MKD North Macedonia|Macedonia|Македонија|Северна Македонија|FYROM
ML MLI Mali
MM MMR Myanmar|Burma|Myanmar (Burma)|မြန်မာ
MN MNG Mongolia|Монгол|Монгол улс
MO MAC Macau|Macao|Macao SAR|Macao SAR China|澳門|澳门
MP MNP Northern Mariana Islands
MQ MTQ Martinique
MR MRT Mauritania|موريتانيا|Mauritanie
MS MSR Montserrat
MT MLT Malta
MU MUS Mauritius|Maurice
MV MDV Maldives
MW MWI Malawi
MX MEX Mexico|United Mexican States|México|Estados Unidos Mexicanos|Méjico
MY MYS Malaysia
MZ MOZ Mozambique|Moçambique
NA NAM Namibia
NC NCL New Caledonia|Nouvelle-Calédonie
NE NER Niger
NF NFK Norfolk Island
NG NGA Nigeria
NI NIC Nicaragua
NL NLD Netherlands|The Netherlands|Nederland|Holland|Kingdom of the Netherlands|Niederlande|Pays-Bas
NO NOR Norway|Norge|Noreg
NP NPL Nepal|नेपाल
NR NRU Nauru
NU NIU Niue
NZ NZL New Zealand|Aotearoa
OM OMN Oman|عمان|عُمان
PA PAN Panama|Panamá
PE PER Peru|Perú
PF PYF French Polynesia|Polynésie française
PG PNG Papua New Guinea
PH PHL Philippines|The Philippines|Pilipinas|Republic of the Philippines
PK PAK Pakistan|پاکستان
PL POL Poland|Polska|Rzeczpospolita Polska|Polen|Pologne
PM SPM Saint Pierre and Miquelon|St. Pierre and Miquelon|Saint-Pierre-et-Miquelon
PN PCN Pitcairn Islands|Pitcairn
PR PRI Puerto Rico
PS PSE Palestine|Palestinian Territories|Palestinian Territory|State of Palestine|\
Palestine, State of|فلسطين
PT PRT Portugal|Portuguese Republic|República Portuguesa
PW PLW Palau
PY PRY Paraguay
QA QAT Qatar|قطر
RE REU Réunion|La Réunion
RO ROU Romania|România
RS SRB Serbia|Srbija|Србија
RU RUS Russia|Russian Federation|Россия|Российская Федерация|РФ
RW RWA Rwanda
SA SAU Saudi Arabia|KSA|Kingdom of Saudi Arabia|السعودية|المملكة العربية السعودية
SB SLB Solomon Islands
SC SYC Seychelles
SD SDN Sudan|السودان
SE SWE Sweden|Sverige|Schweden|Suède
SG SGP Singapore|Singapura|新加坡
SH SHN Saint Helena|St. Helena|Saint Helena, Ascension and Tristan da Cunha
SI SVN Slovenia|Slovenija
SJ SJM Svalbard and Jan Mayen|Svalbard
SK SVK Slovakia|Slovak Republic|Slovensko
SL SLE Sierra Leone
SM SMR San Marino
SN SEN Senegal|Sénégal
SO SOM Somalia|Soomaaliya
SR SUR Suriname
SS SSD South Sudan
ST STP São Tomé and Príncipe|São Tomé e Príncipe
SV SLV El Salvador
SX SXM Sint Maarten|Saint Martin (Dutch part)|St. Maarten|Sint Maarten (Dutch part)
SY SYR Syria|Syrian Arab Republic|سوريا
SZ SWZ Eswatini|Swaziland
TC TCA Turks and Caicos Islands|Turks and Caicos
TD TCD Chad|Tchad|تشاد
TF ATF French Southern Territories
TG TGO Togo
TH THA Thailand|ประเทศไทย|ไทย
TJ TJK Tajikistan|Тоҷикистон
TK TKL Tokelau
TL TLS Timor-Leste|East Timor
TM TKM Turkmenistan|Türkmenistan
TN TUN Tunisia|Tunisie|تونس
TO TON Tonga
TR TUR Turkey|Türkiye|Turkiye|Republic of Türkiye
TT TTO Trinidad and Tobago|Trinidad
TV TUV Tuvalu
TW TWN Taiwan|Taiwan, Province of China|Republic of China|ROC|台灣|臺灣|台湾
TZ TZA Tanzania|United Republic of Tanzania|Tanzania, United Republic of
UA UKR Ukraine|Україна|Украина
UG UGA Uganda
UM UMI U.S. Outlying Islands|United States Minor Outlying Islands
US USA United States|The United States|United States of America|America|U.S.|U.S.A.|\
United States (US)|Estados Unidos|Estados Unidos de América|United States Of America (USA)|\
Stati Uniti|États-Unis|Vereinigte Staaten
UY URY Uruguay
UZ UZB Uzbekistan|Oʻzbekiston|Узбекистан
VA VAT Vatican City|Holy See|Vatican|Città del Vaticano|Holy See (Vatican City State)
VC VCT Saint Vincent and the Grenadines|St. Vincent and the Grenadines|St. Vincent & Grenadines
VE VEN Venezuela|Bolivarian Republic of Venezuela|Venezuela, Bolivarian Republic of
VG VGB British Virgin Islands|Virgin Islands (British)|Virgin Islands, British
VI VIR U.S. Virgin Islands|Virgin Islands (US)|Virgin Islands, U.S.|US Virgin Islands
VN VNM Vietnam|Viet Nam|Việt Nam
VU VUT Vanuatu
WF WLF Wallis and Futuna
WS WSM Samoa
XK XKX Kosovo|Kosova
YE YEM Yemen|اليمن
YT MYT Mayotte
ZA ZAF South Africa|Suid-Afrika|RSA|Republic of South Africa
ZM ZMB Zambia
ZW ZWE Zimbabwe
"""


# "Republic of", in front of a plain name; those that are part of one are rows of their own.
# The European Economic Area: https://www.efta.int/eea
COUNTRIES_OF_EEA = (
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK"
)
EEA = frozenset(COUNTRIES_OF_EEA.split())

FORM_OF_STATE = re.compile(
    r"^(?:the)?(?:(?:federal|federative|islamic|cooperative|oriental|eastern|democratic|socialist|arab|plurinational|bolivarian"
    r"|united|independent|hashemite)*(?:republic|kingdom|state|commonwealth|principality|sultanate"
    r"|federation|union|grandduchy)of)(?:the)?"
)
DOTTED = frozenset({"us", "uk", "gb"})  # as in U.S.


def alpha_2(text: str) -> str:
    """The ISO 3166-1 alpha-2 code, upper case, of a code or name; "" where it is no country.

    XK (Kosovo) is a user-assigned code, but the one that shops and phone metadata use.
    """
    if code := BY_NAME.get(text):
        return code
    name = plain(text)
    if len(name) == 2 and len(text.strip()) != 2 and name not in DOTTED:
        return ""  # N/A is not Namibia
    return BY_NAME.get(name) or BY_NAME.get(FORM_OF_STATE.sub("", name), "")


def plain(name: str) -> str:
    """A name by its letters and digits alone: no case, accents, spaces or punctuation."""
    decomposed = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    return "".join(character for character in decomposed if character.isalnum())


def _by_name() -> dict[str, str]:
    table: dict[str, str] = {}
    for row in ROWS.strip().splitlines():
        code, alpha_3, names = row.split(" ", 2)
        for name in (code, alpha_3, *names.split("|")):
            table[plain(name)] = code
        table[code] = code  # as shops write it: found without any folding
    return table


BY_NAME = _by_name()
