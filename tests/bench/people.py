"""A roster of people whose names repeat as names do, and what referrers make of them. The same in every run."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from random import Random

from tests.bench.sample import campus

_GIVEN_NAMES = """
Olivia Emma Sofia Camila Mia Isabella Ava Luna Amelia Charlotte Maria Elizabeth Emily Abigail Victoria Samantha
Natalie Grace Chloe Zoe Hannah Leah Aaliyah Jasmine Destiny Brianna Kayla Alexis Ashley Jessica Jennifer Michelle
Stephanie Katherine Rebecca Margaret Susan Priya Ananya Aisha Fatima Layla Noor Zainab Mei Xin Yuki Hana Linh Thao
Ngoc Sakura Chidinma Adaeze Amara Imani Nia Ximena Valentina Lucía Guadalupe Yesenia Itzel Marisol Anaïs Noémie Zoë
Björk Saoirse Liam Noah Mateo Elijah Oliver Ethan Benjamin William Alexander Daniel Jacob Michael Sebastian Santiago
Julian Anthony Andrew Joshua Christopher Matthew Joseph Samuel David Jonathan Nicholas Robert Richard Thomas Charles
Edward James John Juan José Luis Carlos Miguel Ángel Jesús Francisco Diego Javier Raúl Muhammad Ahmed Omar Yusuf
Ibrahim Ali Hassan Arjun Rohan Vikram Wei Jun Hao Minh Tuan Duc Kenji Haruto Kwame Kofi Chinedu Emeka Tunde Malik
Darius Tyrone Jamal DeShawn Tariq Søren Łukasz Jakub Pavel Dmitri Seán Wren Rowan Avery Riley Jordan Quinn Skyler
Sasha Robin
"""
_FAMILY_NAMES = """
Garcia Hernandez Martinez Lopez Gonzalez Rodriguez Perez Sanchez Ramirez Torres Flores Rivera Gomez Diaz Reyes
Morales Cruz Ortiz Gutierrez Chavez Ramos Ruiz Mendoza Alvarez Castillo Vasquez Romero Jimenez Moreno Herrera Medina
Aguilar Smith Johnson Williams Brown Jones Miller Davis Wilson Anderson Thomas Taylor Moore Jackson Martin Lee
Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams Nelson Baker Hall
Campbell Mitchell Carter Roberts Phillips Evans Turner Parker Collins Edwards Stewart Morris Murphy Cook Rogers
Morgan Peterson Cooper Reed Bailey Bell Kelly Howard Ward Cox Richardson Wood Watson Brooks Bennett Gray James
Hughes Price Myers Long Foster Sanders Ross Powell Sullivan Russell Fisher Henderson Coleman Simmons Patterson
Jordan Reynolds Hamilton Graham Kim Nguyen Tran Pham Le Hoang Vu Chen Wang Li Zhang Liu Yang Huang Wu Lin Zhao Zhou
Park Choi Jung Kang Cho Yoon Tanaka Suzuki Sato Patel Shah Singh Kumar Sharma Gupta Reddy Rao Iyer Khan Ahmed
Hussain Ali Rahman Islam Hassan Mohamed Abdi Okafor Okonkwo Eze Adeyemi Mensah Boateng Owusu Diallo Traore Kamara
Haddad Nasser Khoury Cohen Levy Goldberg Rosen Ivanov Petrov Kowalski Nowak Novák Müller Schmidt Weiß Hansen
Sørensen Larsen Andersson Lindqvist Virtanen Rossi Russo Ferrari Esposito Silva Santos Pereira Costa Oliveira
Almeida Dubois Lefèvre Moreau O'Brien O'Connor McCarthy MacDonald FitzGerald Van-Dyke Papadopoulos Georgiou Yilmaz
Demir Kaya Hosseini Ahmadi Nakamura Watanabe Yamamoto Fernández-Ruiz Begay Yazzie Kealoha Halloway Achterberg
Lindmoss Quillon Osei-Finch Vanterpool Castellanos Bracamontes Villanueva Zamora Cisneros Quintero
"""
_GIVEN, _FAMILY = _GIVEN_NAMES.split(), _FAMILY_NAMES.split()
_LEVELS = ("first-year", "sophomore", "junior", "senior", "graduate")
_HALLS = ("Cedar Hall", "Elm House", "Juniper Hall", "Maple Court", "Sequoia Tower", "Willow Hall", "Off campus")
_SUBJECTS = ("ART", "BIO", "CHEM", "CSC", "ECON", "ENG", "HIST", "MATH", "NURS", "PSYC", "SOC", "STAT")
_NEIGHBORS = {
    "a": "s",
    "e": "r",
    "i": "o",
    "o": "p",
    "n": "m",
    "m": "n",
    "s": "a",
    "t": "r",
    "l": "k",
    "r": "e",
    "c": "v",
}
_SOUNDS = (("ph", "f"), ("ck", "k"), ("y", "i"), ("ee", "ie"), ("ie", "ei"), ("z", "s"), ("c", "k"), ("th", "t"))
_NICKNAMES = {
    "Elizabeth": "Liz", "William": "Will", "Robert": "Rob", "Katherine": "Kate", "Christopher": "Chris",
    "Michael": "Mike", "Alexander": "Alex", "Benjamin": "Ben", "Samantha": "Sam", "Guadalupe": "Lupe",
    "Francisco": "Paco", "Margaret": "Maggie", "Jonathan": "Jon", "Rebecca": "Becca", "Joseph": "Joe",
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody on the roster."""

    number: str
    campus: str
    given: str
    family: str
    middle: str
    in_use: str
    born: date
    level: str
    residence: str
    classes: tuple[tuple[str, str, str], ...]

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.given, self.middle, self.family) if part)

    @property
    def email(self) -> str:
        plain = unicodedata.normalize("NFKD", f"{self.given}.{self.family}").encode("ascii", "ignore").decode().lower()
        return f"{plain.replace(chr(39), '').replace(' ', '.')}{self.number[-5:]}@students.example.edu"

    def line(self) -> str:
        sections = "; ".join(f"2026F:{course}/{section}/{who}" for course, section, who in self.classes)
        return (
            f"{self.number},{self.campus},{self.name},{self.email},{self.in_use},{self.born.isoformat()},{self.level},"
            f"{self.residence},{sections}"
        )


COLUMNS = "student_id,campus_code,name,email,name_in_use,birth_date,level,residence,sections"


def people(count: int, campuses: int, seed: int = 20261122) -> list[Person]:
    """Return so many people. A few names are everywhere and most are rare, so many people share theirs."""
    chance = Random(seed)  # noqa: S311 - the same in every run
    given, family = _steps(len(_GIVEN), 0.7), _steps(len(_FAMILY), 0.8)
    made = []
    for number in range(count):
        first = chance.choices(_GIVEN, cum_weights=given)[0]
        last = chance.choices(_FAMILY, cum_weights=family)[0]
        if chance.random() < 0.12:
            last = f"{last} {chance.choices(_FAMILY, cum_weights=family)[0]}"
        middle = chance.choice(_GIVEN) if chance.random() < 0.3 else ""
        in_use = chance.choice(_GIVEN) if chance.random() < 0.04 else ""
        at = campus(number % campuses)
        classes = tuple(_class(chance, at) for _ in range(2))
        residence = chance.choice(_HALLS)
        room = f" {chance.randint(101, 640)}" if residence != "Off campus" else ""
        born = date(2002, 1, 1) + timedelta(days=chance.randint(0, 2200))
        made.append(
            Person(
                f"{number + 20_000_000}",
                at,
                first,
                last,
                middle,
                in_use,
                born,
                chance.choice(_LEVELS),
                residence + room,
                classes,
            )
        )
    return made


def roster(of: Sequence[Person]) -> bytes:
    """Return the roster file of these people."""
    return "\n".join((COLUMNS, *(person.line() for person in of), "")).encode()


def _steps(count: int, fall: float) -> list[float]:
    return list(accumulate(1 / (rank + 2) ** fall for rank in range(count)))


def _class(chance: Random, at: str) -> tuple[str, str, str]:
    course = f"{chance.choice(_SUBJECTS)}{chance.choice((101, 110, 205, 220, 310, 415))}"
    section = chance.randint(1, 9)
    return course, str(section), f"teacher-{at}-{course}-{section}"


@dataclass(frozen=True)
class Said:
    """What a referrer says, who says it, and whom they mean: None where that is nobody on the roster."""

    about: dict[str, str]
    by: str
    meant: Person | None


def said(of: Sequence[Person], count: int, seed: int = 7) -> Iterator[Said]:
    """Yield what referrers say of people: the name as they remember it, and now and then something else they know.

    One in eight is about somebody who is not on the roster.
    """
    chance = Random(seed)  # noqa: S311 - the same in every run
    strangers = people(count, 1, seed=seed + 1)
    for number in range(count):
        by = f"person-{number % 50}"
        if number % 8 == 7:
            yield Said({"name": _remembered(strangers[number], chance), "residence": chance.choice(_HALLS)}, by, None)
            continue
        person = chance.choice(of)
        about = {"name": _remembered(person, chance), **_known_beside(person, chance)}
        yield Said(about, chance.choice(person.classes)[2] if chance.random() < 0.45 else by, person)


def _known_beside(person: Person, chance: Random) -> dict[str, str]:
    """Return what somebody knows of a person beside the name."""
    course, section, _ = chance.choice(person.classes)
    in_words = f"{course[:-3]} {course[-3:]}" + (f" section {section}" if chance.random() < 0.5 else "")
    address = _slip(person.email.partition("@")[0], chance) + "@students.example.edu"
    known = (
        (0.35, "residence", person.residence.rstrip("0123456789 ")),
        (0.3, "course", in_words),
        (0.2, "email", address),
        (0.25, "level", person.level),
        (0.1, "birth_date", person.born.isoformat()),
    )
    return {field: words for share, field, words in known if chance.random() < share}


def _remembered(person: Person, chance: Random) -> str:
    """Return a name as somebody writes it who has heard it, or read it once."""
    given, family = person.in_use or person.given, person.family
    if chance.random() < 0.25:
        given = _NICKNAMES.get(given, given)
    if " " in family and chance.random() < 0.6:
        family = family.split(" ")[0]
    for _ in range(chance.choice((0, 1, 1, 1, 2))):
        if chance.random() < 0.4:
            given = _slip(given, chance)
        else:
            family = _slip(family, chance)
    return _written(given, person.middle, family, chance)


def _written(given: str, middle: str, family: str, chance: Random) -> str:
    name = f"{given} {family}"
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    shapes = (
        (0.07, f"{given} {family[0]}."),
        (0.1, f"{family}, {given}"),
        (0.08, f"{given} {middle[0]}. {family}" if middle else name),
        (0.2, plain),
        (0.15, name.lower()),
        (0.4, name),
    )
    return chance.choices([shape for _, shape in shapes], weights=[share for share, _ in shapes])[0]


def _slip(word: str, chance: Random) -> str:
    """Return a word with one slip: a letter lost, doubled, swapped, next to it, or written as it sounds."""
    if len(word) < 3:
        return word
    place = chance.randrange(1, len(word))
    before, at, after = word[:place], word[place], word[place + 1 :]
    heard = next(((sound, other) for sound, other in _SOUNDS if sound in word), ("", ""))
    slips = (
        before + after,
        before + at + at + after,
        before + after[:1] + at + after[1:],
        before + _NEIGHBORS.get(at, at) + after,
        word.replace(*heard, 1) if heard[0] else before + after,
    )
    return chance.choice(slips)
