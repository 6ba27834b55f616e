"""People's names and mail addresses, of many cultures and habits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.dice import Dice, Flags, Ints, Texts, digits


@dataclass(frozen=True)
class Culture:
    """How people of some countries are called and where their mail lies."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    free: tuple[str, ...]


def _culture(first: str, last: str, free: str) -> Culture:
    return Culture(tuple(first.split()), tuple(last.split()), tuple(free.split()))


_ENGLISH = _culture(
    "james mary john linda robert susan michael karen david lisa daniel emily "
    "matthew sarah chris megan ryan hannah kevin laura jason rachel brian amy eric",
    "smith johnson williams brown jones miller davis wilson anderson taylor moore "
    "jackson white harris clark lewis walker hall young king wright scott green "
    "baker adams nelson carter mitchell turner parker collins edwards stewart",
    "gmail.com gmail.com gmail.com outlook.com yahoo.com icloud.com hotmail.com",
)
_GERMAN = _culture(
    "lukas anna leon lena finn marie jonas sophie paul laura felix julia max "
    "katharina tim lea jan sarah niklas johanna moritz clara",
    "mueller schmidt schneider fischer weber meyer wagner becker schulz hoffmann "
    "koch bauer richter klein wolf schroeder neumann schwarz zimmermann braun",
    "gmail.com gmx.de web.de t-online.de gmx.net outlook.de posteo.de",
)
_ROMANCE = _culture(
    "lucas emma hugo chloe mateo lucia pablo carmen giulia marco camille antoine "
    "sofia diego elena alessandro francesca louis manon javier paula",
    "martin bernard dubois moreau laurent garcia lopez martinez sanchez perez rossi "
    "russo ferrari bianchi romano simon michel lefebvre fontana ortega navarro",
    "gmail.com orange.fr free.fr hotmail.es libero.it hotmail.com laposte.net",
)
_LUSO = _culture(
    "joao maria pedro ana gabriel beatriz rafael juliana thiago camila bruno larissa",
    "silva santos oliveira souza lima pereira ferreira costa rodrigues almeida "
    "nascimento carvalho ribeiro barbosa",
    "gmail.com gmail.com hotmail.com uol.com.br bol.com.br outlook.com",
)
_INDIAN = _culture(
    "aarav priya rohan ananya arjun kavya vikram neha rahul pooja aditya shreya "
    "sanjay divya karthik meera imran fatima ali ayesha",
    "sharma patel kumar singh gupta reddy nair iyer das mehta joshi khan rao "
    "chatterjee verma malik hussain shah",
    "gmail.com gmail.com gmail.com yahoo.co.in outlook.com rediffmail.com",
)
_JAPANESE = _culture(
    "haruto yui sota hina ren sakura yuto aoi takumi rin kenji akari daiki misaki",
    "sato suzuki takahashi tanaka watanabe ito yamamoto nakamura kobayashi kato "
    "yoshida yamada sasaki matsumoto inoue",
    "gmail.com yahoo.co.jp icloud.com outlook.jp docomo.ne.jp",
)
_CHINESE = _culture(
    "wei fang jun min hao xin lei yan jie ting bo ying peng jing chao mei",
    "wang li zhang liu chen yang zhao huang zhou wu xu sun ma zhu hu guo he lin",
    "qq.com 163.com 126.com gmail.com outlook.com foxmail.com",
)
_KOREAN = _culture(
    "minjun seoyeon jihoon jiwoo hyunwoo sumin dongha yuna taeyang haeun",
    "kim lee park choi jung kang cho yoon jang lim han shin",
    "naver.com gmail.com daum.net kakao.com",
)
_SLAVIC = _culture(
    "jakub zuzanna jan julia piotr maja dmitri olga ivan natalia tomasz ewa pavel",
    "nowak kowalski wisniewski wojcik kaminski ivanov petrov sokolov kuznetsov "
    "lewandowska zielinski novak dvorak",
    "gmail.com wp.pl onet.pl mail.ru yandex.ru seznam.cz o2.pl",
)
_TURKISH = _culture(
    "yusuf zeynep mustafa elif emre defne ahmet azra omer ecrin mehmet ayse",
    "yilmaz kaya demir celik sahin yildiz aydin ozturk arslan dogan kilic",
    "gmail.com hotmail.com outlook.com.tr yandex.com.tr",
)
_AFRICAN = _culture(
    "chinedu ngozi emeka amina kwame wanjiku brian faith tunde zainab kamau grace",
    "okafor adeyemi eze balogun mwangi otieno kariuki njoroge mensah ibrahim bello",
    "gmail.com gmail.com gmail.com yahoo.com outlook.com",
)
_MALAY = _culture(
    "budi siti agus dewi rizky putri andi nur linh minh anh tuan huong duc",
    "santoso wijaya saputra lestari hidayat nguyen tran le pham hoang vu dang",
    "gmail.com gmail.com yahoo.com outlook.com",
)

CULTURES = {
    "US": _ENGLISH, "GB": _ENGLISH, "AU": _ENGLISH, "DE": _GERMAN, "FR": _ROMANCE,
    "ES": _ROMANCE, "IT": _ROMANCE, "BR": _LUSO, "IN": _INDIAN, "JP": _JAPANESE,
    "CN": _CHINESE, "KR": _KOREAN, "PL": _SLAVIC, "TR": _TURKISH, "NG": _AFRICAN,
    "KE": _AFRICAN, "ID": _MALAY, "VN": _MALAY,
}  # fmt: skip

UNIVERSITIES = (
    "mit.edu", "stanford.edu", "berkeley.edu", "ethz.ch", "tum.de", "ox.ac.uk",
    "cam.ac.uk", "u-tokyo.ac.jp", "usp.br", "iitb.ac.in", "tsinghua.edu.cn", "upc.edu",
)  # fmt: skip
RELAYS = ("privaterelay.appleid.com", "duck.com", "mozmail.com", "simplelogin.com")
PRIVATE = ("proton.me", "protonmail.com", "tutanota.com", "fastmail.com", "pm.me")
DISPOSABLE = (
    "mailinator.com", "guerrillamail.com", "yopmail.com", "temp-mail.org", "moakt.com",
    "10minutemail.com", "sharklasers.com", "trashmail.com", "tempail.com",
    "dropmail.me",
)  # fmt: skip
FREE = ("gmail.com", "outlook.com", "yahoo.com", "hotmail.com", "icloud.com")

_SYLLABLES = (
    "ar", "bel", "cor", "den", "el", "fin", "gra", "hal", "in", "jor", "kel", "lum",
    "mar", "nor", "or", "pel", "qui", "ros", "sil", "tor", "ul", "ver", "wyn", "xan",
    "yor", "zen", "ta", "lo", "mi", "ra",
)  # fmt: skip


def names(dice: Dice, country: Texts) -> tuple[Texts, Texts]:
    """Return (first, last) names as people of each country bear them."""
    first = np.empty(country.size, dtype=object)
    last = first.copy()
    for code in sorted(set(country)):
        mine = np.flatnonzero(country == code)
        culture = CULTURES[code]
        first[mine] = dice.pick(culture.first, mine.size)
        last[mine] = dice.pick(culture.last, mine.size)
    return first, last


def locals_of(dice: Dice, first: Texts, last: Texts) -> Texts:
    """Return a local part for each person, by one of eight habits."""
    n = first.size
    initial, letter = (
        first.astype("U1").astype(object),
        last.astype("U1").astype(object),
    )
    year = digits(dice.rng.integers(60, 112, n) % 100, 2)
    odd = digits(dice.log_uniform(1, 9999, n))
    nick = first.astype("U4").astype(object) + last.astype("U3").astype(object)
    ways = (
        first + "." + last, first + last + year, initial + last, first + odd,
        last + "." + first, nick + odd, first + "_" + last + year, first + letter + odd,
    )  # fmt: skip
    habit = dice.index(len(ways), n, (5, 4, 2, 3, 2, 3, 2, 2))
    return np.asarray(np.choose(habit, ways), dtype=object)


def personal(dice: Dice, country: Texts, own: float = 0.06) -> Texts:
    """Return personal mail addresses; a share of `own` lies at a domain of its own."""
    first, last = names(dice, country)
    domain = np.empty(country.size, dtype=object)
    for code in sorted(set(country)):
        mine = np.flatnonzero(country == code)
        domain[mine] = dice.pick(CULTURES[code].free, mine.size)
    mine = np.flatnonzero(dice.chance(own, country.size))
    domain[mine] = last[mine] + dice.pick((".net", ".me", ".dev", ".org"), mine.size)
    return np.asarray(locals_of(dice, first, last) + "@" + domain)


def at(dice: Dice, country: Texts, domains: Texts) -> Texts:
    """Return addresses of people at the given domains, one for each row."""
    first, last = names(dice, country)
    return np.asarray(locals_of(dice, first, last) + "@" + domains)


def companies(dice: Dice, n: int) -> Texts:
    """Return `n` made-up company domains."""
    parts = [dice.pick(_SYLLABLES, n) for _ in range(3)]
    ends = dice.pick((".com", ".io", ".ai", ".de", ".co.uk", ".co", ".com.br"), n)
    suffix = dice.pick(("", "soft", "labs", "tech", "data", "works"), n)
    return np.asarray(parts[0] + parts[1] + parts[2] + suffix + ends)


def unrepeated(email: Texts, keep: Flags) -> Texts:
    """Return addresses in which a second holder got digits, as providers ask for.

    Rows of `keep` stay as they are: somebody who comes back brings the same address.
    """
    email = email.copy()
    for attempt in range(4):
        _, first_at = np.unique(email.astype(str), return_index=True)
        taken = np.ones(email.size, dtype=bool)
        taken[first_at] = False
        again = np.flatnonzero(taken & ~keep & (email != ""))
        if not again.size:
            break
        halves = np.char.rpartition(email[again].astype(str), "@")
        tail = digits(again % 10 ** (attempt + 2) + attempt)
        email[again] = halves[:, 0].astype(object) + tail + "@" + halves[:, 2]
    return email


def phones(dice: Dice, country: Texts) -> Texts:
    """Return made-up mobile numbers in E.164 form."""
    prefix = {
        "US": "+1646", "GB": "+447", "DE": "+4915", "FR": "+336", "ES": "+346",
        "IT": "+393", "PL": "+485", "TR": "+905", "BR": "+55119", "JP": "+8190",
        "KR": "+8210", "CN": "+86138", "AU": "+614", "IN": "+919", "ID": "+62812",
        "VN": "+849", "NG": "+23480", "KE": "+2547",
    }  # fmt: skip
    rest = {"US": 7, "DE": 9, "GB": 9, "FR": 8, "ES": 8, "IT": 9, "PL": 8}
    starts = np.array([prefix[c] for c in country], dtype=object)
    widths: Ints = np.array([rest.get(c, 8) for c in country])
    number = digits(dice.rng.integers(2 * 10**8, 10**9, country.size))
    short = [n[:w] for n, w in zip(number, widths, strict=True)]
    return np.asarray(starts + np.array(short, dtype=object))


def random_locals(dice: Dice, n: int, width: int) -> Texts:
    """Return meaningless local parts of `width` letters and digits."""
    return dice.ids("x", n, min(width, 16))
