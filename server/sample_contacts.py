"""The sample contacts: made-up people of many countries and scripts, the same at every call."""

from collections.abc import Iterator
from itertools import product

from store.drafts import ContactDraft
from store.words import ContactStatus

HOW_MANY = 5_000

# Given names and family names of one language stay together.
_NAMES: tuple[tuple[str, str], ...] = (
    ("Olivia Noah Amelia Theo Grace Isla Arthur", "Hughes Bennett Okafor Clarke Whitfield Doyle"),
    ("Lucía Mateo Sofía Álvaro Inés Hugo", "Ibáñez Muñoz Carrasco Peña Soler Quiñones"),
    ("Zoë Jürgen Änne Björn Käthe Lennart", "Größmann Köhler Weiß Brückner Vogt"),
    ("Zofia Łukasz Świętosława Paweł Agnieszka", "Wójcik Kamiński Żurek Dąbrowska Śliwa"),
    ("João Beatriz Thiago Conceição Luísa", "Magalhães Araújo Falcão Brandão Teixeira"),
    ("Çağla Emre İpek Şule Oğuz", "Yıldız Öztürk Güneş Çelik Aydın"),
    ("Nguyệt Thảo Quỳnh Đạt Phương", "Nguyễn Trần Đặng Huỳnh Phạm"),
    ("Олена Тарас Ярина Богдан Софія", "Шевчук Їжакевич Ковальчук Гончар Левченко"),
    ("Ελένη Γιώργος Κατερίνα Νίκος Δέσποινα", "Παπαδάκης Οικονόμου Βασιλείου Νικολάου"),
    ("ليلى يوسف مريم خالد سلمى", "الحداد النجار المصري الخطيب"),
    ("נועה איתי תמר יונתן מאיה", "לוי פרידמן ביטון אברהמי"),
    ("आरव दीया कबीर अनन्या रोहन", "शर्मा कुलकर्णी मेहता त्रिपाठी"),
    ("ณัฐพล กัญญา ธนกร ปาริชาติ", "ศรีสุข วงศ์สวัสดิ์ ทองคำ"),
    ("小雨 浩然 子涵 佳怡 梓轩", "王 李 欧阳 陈 赵"),
    ("さくら 蓮 ひなた 陽翔 結衣", "佐藤 高橋 渡辺 小林"),
    ("서연 민준 하은 도윤 지우", "김 이 박 최 정"),
    ("თამარ გიორგი ნინო ლუკა", "ბერიძე კაპანაძე გელაშვილი"),
    ("Անի Դավիթ Նարե Տիգրան", "Հակոբյան Սարգսյան Գրիգորյան"),
    ("Wanjiru Chinedu Amara Kwame Thandiwe", "Odhiambo Adeyemi Mensah Dlamini Kamau"),
    ("Aroha Tāne Mere Wiremu", "Ngata Parāone Tūhoe"),
)
_HANDLES = (
    "amber birch cedar comet coral dune ember falcon fern flint harbor heron iris juniper lark "
    "maple meadow opal otter pebble quartz raven reed sable sparrow thistle topaz willow"
)
_DOMAINS = ("example.com", "example.org", "example.net")
_STATUSES = (
    (ContactStatus.LEAD,) * 11
    + (ContactStatus.CUSTOMER,) * 7
    + (ContactStatus.LOST, ContactStatus.NONE)
)


def external_username(number: int) -> str:
    return f"player-{number:05}"


def contacts(how_many: int = HOW_MANY) -> Iterator[ContactDraft]:
    """The first `how_many` sample contacts; a few have no phone, a few no e-mail."""
    people = [
        [(first, last) for first, last in product(firsts.split(), lasts.split())]
        for firsts, lasts in _NAMES
    ]
    handles = _HANDLES.split()
    for number in range(1, how_many + 1):
        of_language = people[number % len(people)]
        first, last = of_language[number // len(people) % len(of_language)]
        handle = f"{handles[number * 5 % len(handles)]}{number}"
        yield ContactDraft(
            external_username=external_username(number),
            username=handle,
            email=None if number % 97 == 0 else f"{handle}@{_DOMAINS[number % len(_DOMAINS)]}",
            first_name=first,
            last_name=last,
            phone=None if number % 11 == 0 else _phone(number),
            status=_STATUSES[number * 13 % len(_STATUSES)],
        )


def _phone(number: int) -> str:
    # Ranges that their regulators keep for fiction: they ring nowhere.
    if number % 2:
        return f"+447700900{number % 1000:03}"
    return f"+1202555{100 + number % 100:04}"
