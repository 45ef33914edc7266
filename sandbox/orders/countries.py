"""Where the sandbox's buyers live, and how people there write names, addresses and phone numbers.

Nobody here exists: names are put together at random, phones are patterns (# is any digit).
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Place:
    """`region` and `region_name` are Shopify's, `state` is WooCommerce's; each may have none."""

    city: str
    postcode: str
    region: str = ""
    region_name: str = ""
    state: str = ""


@dataclass(frozen=True)
class Country:
    """`tax` is a percentage; `tax_included` is how its shops enter prices."""

    code: str
    name: str
    currency: str
    locale: str
    tax: str
    tax_included: bool
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    street: str
    places: tuple[Place, ...]
    phones: tuple[str, ...]

    @property
    def tax_rate(self) -> Decimal:
        """As a share: 0.2 for 20 %."""
        return Decimal(self.tax) / 100


# How many of a currency one euro buys, roughly; invented, and fixed so that a seed repeats itself.
RATES = {
    "AED": "4.2", "ARS": "1500", "AUD": "1.7", "BHD": "0.43", "BRL": "6.2", "CAD": "1.6",
    "CLP": "1050", "CNY": "8.1", "CZK": "24.5", "EUR": "1", "GBP": "0.86", "ILS": "4",
    "INR": "98", "JPY": "170", "KRW": "1600", "KWD": "0.35", "MXN": "21", "NGN": "1750",
    "PLN": "4.3", "SEK": "11", "TND": "3.4", "TRY": "48", "TWD": "36", "UAH": "48",
    "USD": "1.15", "VND": "30000",
}  # fmt: skip
DECIMALS = {"CLP": 0, "JPY": 0, "KRW": 0, "VND": 0, "BHD": 3, "KWD": 3, "TND": 3}  # others: 2

COUNTRIES = (
    Country("US", "United States", "USD", "en-US", "8.875", False,
            ("Ada", "Desirée", "O'Shea"), ("Van Buren-Smith", "Quill", "McAllister Jr."),
            "{n} Orchard Street, Apt 4B",
            (Place("New York", "10002-1234", "NY", "New York", "NY"),
             Place("St. Louis", "63101", "MO", "Missouri", "MO")),
            ("(212) 555-01##", "+1 314-555-01##", "212.555.01## x12")),
    Country("CA", "Canada", "CAD", "fr-CA", "14.975", False,
            ("Chloé", "Étienne", "Gurpreet"), ("Tremblay-Roy", "L'Heureux", "Singh"),
            "{n}, rue Sainte-Catherine O.",
            (Place("Montréal", "h2x 1k4", "QC", "Quebec", "QC"),
             Place("Toronto", "M5V2T6", "ON", "Ontario", "ON")),
            ("514-555-01##", "1 (416) 555 01##")),
    Country("GB", "United Kingdom", "GBP", "en-GB", "20", True,
            ("Siân", "Nigel", "Aoife"), ("Featherstonehaugh", "ap Rhys", "O’Brien"),
            "Flat {n}, Rose Cottage",
            (Place("Kingston upon Hull", "hu1 1aa", "ENG", "England"),
             Place("Cardiff", "CF10 1EP", "WLS", "Wales")),
            ("07700 900###", "+44 (0)7700 900###", "00447700900###")),
    Country("IE", "Ireland", "EUR", "en-IE", "23", True,
            ("Saoirse", "Fionnuala"), ("Ní Dhúill", "de Búrca"), "{n} Sráid na Siopaí",
            (Place("Baile Átha Cliath", "D02 AF30", "D", "Dublin", "D"),),
            ("085 012 ####", "+353 85 0124###")),
    Country("FR", "France", "EUR", "fr-FR", "20", True,
            ("Anaïs", "Jean-François", "Zoë"), ("d'Aubigné", "Lefèvre", "Œuvrard"),
            "{n} bis, rue de l’Église",
            (Place("Lyon 3e", "69003"), Place("L'Haÿ-les-Roses", "94 240")),
            ("06 39 98 ## ##", "+33 (0)6.39.98.##.##", "0033639980###")),
    Country("DE", "Germany", "EUR", "de-DE", "19", True,
            ("Jürgen", "Käthe", "Björn"), ("Groß", "von der Weide", "Müller-Lüdenscheidt"),
            "Straße des Friedens {n}",
            (Place("Köln", "50667", "", "", "DE-NW"), Place("München", "80331", "", "", "DE-BY")),
            ("0171 39200##", "+49 (0) 171/39200##", "0049-171-39200##")),
    Country("ES", "Spain", "EUR", "es-ES", "21", True,
            ("María José", "Íñigo"), ("Núñez de la Peña", "Ibáñez"), "C/ Mayor, {n}, 3º izq.",
            (Place("A Coruña", "15001", "C", "A Coruña", "C"),
             Place("Madrid", "28013", "M", "Madrid", "M")),
            ("612 34 56 ##", "+34 612-345-6##")),
    Country("IT", "Italy", "EUR", "it-IT", "22", True,
            ("Niccolò", "Lucìa"), ("Dell'Acqua", "Bianchi Però"), "Via dei Mille, {n}",
            (Place("Forlì", "47121", "FC", "Forlì-Cesena", "FC"),
             Place("Roma", "00184", "RM", "Roma", "RM")),
            ("312 34567##", "+39 312/34567##", "02 1234 56##")),
    Country("PT", "Portugal", "EUR", "pt-PT", "23", True,
            ("João", "Conceição"), ("Guimarães", "d’Ávila"), "Praça das Flores {n}, 3º Esq.",
            (Place("Lisboa", "1100-148", "PT-11", "Lisbon"),), ("912 345 6##", "+351912345###")),
    Country("GR", "Greece", "EUR", "el-GR", "24", True,
            ("Ελένη", "Γιώργος"), ("Παπαδοπούλου", "Οικονόμου"), "Οδός Ερμού {n}",
            (Place("Αθήνα", "105 63", "", "", "I"),), ("697 123 45##", "+30 69 7123 45##")),
    Country("PL", "Poland", "PLN", "pl-PL", "23", True,
            ("Łucja", "Świętosław"), ("Brzęczyszczykiewicz", "Żółć"), "ul. Żurawia {n}/12",
            (Place("Łódź", "90-001"),), ("512 345 6##", "+48-512-345-6##")),
    Country("CZ", "Czechia", "CZK", "cs-CZ", "21", True,
            ("Jiří", "Žofie"), ("Dvořáčková", "Šťastný"), "Příčná {n}",
            (Place("Plzeň", "301 00"),), ("601 234 5##", "00420 601 234 5##")),
    Country("SE", "Sweden", "SEK", "sv-SE", "25", True,
            ("Åsa", "Örjan"), ("Sjöström", "Ångman"), "Älgvägen {n}",
            (Place("Malmö", "211 20"),), ("070-174 06 ##", "+46 (0)70 174 06 ##")),
    Country("BG", "Bulgaria", "EUR", "bg-BG", "20", True,
            ("Цветана", "Йордан"), ("Щърбанова", "Жеков"), "бул. Витоша {n}",
            (Place("София", "1000", "", "", "BG-22"),), ("087 123 45##", "+359 87 123 45 ##")),
    Country("UA", "Ukraine", "UAH", "uk-UA", "20", True,
            ("Соломія", "Ґрунь"), ("Їжакевич", "Шевчук"), "вул. Хрещатик, {n}",
            (Place("Київ", "01001", "", "", "UA30"),), ("050 123 45 ##", "+380(50)12345##")),
    Country("TR", "Türkiye", "TRY", "tr-TR", "20", True,
            ("İbrahim", "Işıl"), ("Çağlayan", "Öztürkoğlu"), "Gül Sk. No: {n} D:5",
            (Place("İstanbul", "34000", "", "", "TR34"), Place("Iğdır", "76000", "", "", "TR76")),
            ("0501 234 56 ##", "+90 501 234 56##")),
    Country("AE", "United Arab Emirates", "AED", "ar-AE", "5", True,
            ("محمد", "فاطمة"), ("آل النخيل", "الهاشمي"), "شارع الشيخ {n}",
            (Place("دبي", "", "DU", "Dubai"),), ("050 123 45##", "٠٥٠١٢٣٤٥٦٧")),
    Country("KW", "Kuwait", "KWD", "ar-KW", "0", False,
            ("نورة", "عبد الله"), ("العنزي", "بن سالم"), "قطعة {n}، شارع ٧",
            (Place("مدينة الكويت", "13001", "KW-KU", "Al Asimah"),),
            ("5001 23##", "+965 500123##")),
    Country("BH", "Bahrain", "BHD", "ar-BH", "10", False,
            ("مريم", "يوسف"), ("الدوسري", "بوعلي"), "مجمع {n}",
            (Place("المنامة", "317"),), ("3600 12##", "00973 3600 12##")),
    Country("TN", "Tunisia", "TND", "fr-TN", "19", True,
            ("Ghofrane", "سليم"), ("Ben Youssef", "بن علي"), "{n}, av. Habib Thameur",
            (Place("Tunis", "1000"),), ("20 123 4##", "+216 20-123-4##")),
    Country("IL", "Israel", "ILS", "he-IL", "18", True,
            ("נועה", "יוסי"), ("בן־דוד", "כהנוביץ׳"), "רחוב הרצל {n}",
            (Place("תל אביב-יפו", "6120101"),), ("050-123-45##", "+972 (0)50 12345##")),
    Country("IN", "India", "INR", "hi-IN", "18", True,
            ("प्रिया", "Subrahmanyan"), ("शर्मा", "V."), "Flat {n}, Gulmohar Society",
            (Place("मुंबई", "400 001", "MH", "Maharashtra", "MH"),
             Place("Bengaluru", "560001", "KA", "Karnataka", "KA")),
            ("098765 432##", "+91-98765-432##")),
    Country("CN", "China", "CNY", "zh-CN", "13", True,
            ("小明", "欧阳娜"), ("王", "司马"), "人民路{n}号",
            (Place("北京市", "100000", "BJ", "Beijing", "CN2"),),
            ("131 2345 67##", "+86 13123456 7##")),
    Country("TW", "Taiwan", "TWD", "zh-TW", "5", True,
            ("怡君", "志豪"), ("陳", "歐陽"), "忠孝東路{n}號",
            (Place("臺北市", "100"),), ("0912-345-6##", "+886 912 345 6##")),
    Country("JP", "Japan", "JPY", "ja-JP", "10", True,
            ("さくら", "健一"), ("渡邉", "佐々木"), "神宮前{n}丁目２−３",
            (Place("渋谷区", "150-0001", "JP-13", "Tōkyō", "JP13"),
             Place("札幌市", "〒060-0001", "JP-01", "Hokkaidō", "JP01")),
            ("090-1234-56##", "０９０１２３４５６７８", "+81 (0)90 1234 56##")),
    Country("KR", "South Korea", "KRW", "ko-KR", "10", True,
            ("지우", "현우"), ("김", "남궁"), "테헤란로 {n}",
            (Place("서울특별시", "06236", "KR-11", "Seoul"),),
            ("010-1234-56##", "+82 10 1234 56##")),
    Country("VN", "Vietnam", "VND", "vi-VN", "10", True,
            ("Thị Hương", "Đức Anh"), ("Nguyễn", "Trần Lê"), "{n} Đường Lê Lợi",
            (Place("Thành phố Hồ Chí Minh", "700000"),),
            ("0912 345 6##", "+84 (0) 912 345 6##")),
    Country("AU", "Australia", "AUD", "en-AU", "10", True,
            ("Bruce 🦘", "Kylie-Anne"), ("D’Souza", "Nguyen"), "U{n}/12 Wattle Ave",
            (Place("Woolloomooloo", "2011", "NSW", "New South Wales", "NSW"),),
            ("0491 570 1##", "+61 491-570-1##")),
    Country("BR", "Brazil", "BRL", "pt-BR", "0", True,
            ("Antônio", "Iracema"), ("da Conceição", "Gonçalves Filho"), "R. das Acácias, {n}",
            (Place("São Paulo", "01310-100", "SP", "São Paulo", "SP"),),
            ("(11) 91234-56##", "+55 11 91234 56##", "0xx11 91234-56##")),
    Country("MX", "Mexico", "MXN", "es-MX", "16", True,
            ("Ximena", "José Ángel"), ("Muñoz y Peña", "Ordóñez"), "Av. Insurgentes {n}, Int. 2",
            (Place("Ciudad de México", "06000", "DF", "Ciudad de México", "DF"),),
            ("55 1234 56##", "+52 1 55 1234 56##")),
    Country("AR", "Argentina", "ARS", "es-AR", "21", True,
            ("Agustín", "Belén"), ("Peralta Ramos", "Güiraldes"), "Av. Corrientes {n}, 5º B",
            (Place("Ciudad Autónoma de Buenos Aires", "C1043AAZ", "C", "Buenos Aires", "C"),),
            ("011 15-2345-67##", "+54 9 11 2345-67##")),
    Country("CL", "Chile", "CLP", "es-CL", "19", True,
            ("Nahuel", "Violeta"), ("Ñancupil", "Errázuriz"), "Calle Bandera {n}, depto 31",
            (Place("Ñuñoa", "7750000", "RM", "Santiago Metropolitan", "CL-RM"),),
            ("9 6123 45##", "+56 9 6123 45 ##")),
    Country("NG", "Nigeria", "NGN", "en-NG", "7.5", False,
            ("Ọláyínká", "Chímàmándá"), ("Adébáyọ̀", "Ọkọ́nkwọ"), "{n} Admiralty Way",
            (Place("Lagos", "101233", "LA", "Lagos", "LA"),),
            ("0802 123 45##", "+234 802 12345##")),
)  # fmt: skip
