"""Invented students on three campuses, and what they study."""

from dataclasses import dataclass
from random import Random

CAMPUSES = {"NORTH": 1300, "LAKE": 1000, "BAY": 700}
# Who advises some of them: case managers whom the program of the sample has.
ADVISORS = {"NORTH": ("okafor", "reyes"), "LAKE": ("tanaka", "brandt"), "BAY": ("moreau",)}
_ADVISED = 0.12
DOMAIN = "students.example.edu"

_GIVEN_NAMES = (
    "Ada Amir Anh Bela Ben Carmen Chi Dana Dov Eli Emeka Esra Fay Femi Gus Hana Ivo Jada Jun Kai Kofi Lea Lena Luis Mai"
    " Max Mina Nils Noa Oli Omar Pia Quin Rana Ravi Rosa Sami Sol Tess Tia Uma Vera Vic Wes Wren Xan Yara Yuki Zed Zoe"
)
_FAMILY_NAMES = (
    "Abara Abbott Aguilar Ahmadi Baptiste Becker Cho Conti Costa Diaz Dolan Duarte Eze Fischer Fofana Garcia Grant"
    " Haddock Huang Ibarra Iqbal Jensen Joshi Kaya Khan Kimura Lopez Lund Martin Mensah Moyo Nguyen Novak Okafor Ortiz"
    " Patel Quispe Rahman Rossi Sato Silva Tran Ueda Vargas Walker Weiss Xu Young Zhou Zimmer"
)
_LEVELS = ("first-year", "sophomore", "junior", "senior", "graduate")
_SUBJECTS = ("ART", "BIO", "BUS", "CHE", "CSC", "ECO", "ENG", "HIS", "MAT", "NUR", "PHY", "PSY", "SOC", "SPA", "STA")
_NUMBERS = (101, 110, 205, 220, 310)


@dataclass(frozen=True)
class Student:
    """A line of the roster. `id` is what the campus's records office calls the student."""

    id: str
    campus: str
    name: str
    email: str
    level: str
    advisor_id: str
    courses: tuple[str, ...]

    @property
    def first(self) -> str:
        """The name a referrer would use."""
        return self.name.partition(" ")[0]


def students(chance: Random) -> list[Student]:
    """Return every student of the sample, campus by campus."""
    given, family = _GIVEN_NAMES.split(), _FAMILY_NAMES.split()
    catalogue = [f"{subject} {number}" for subject in _SUBJECTS for number in _NUMBERS]
    made: list[Student] = []
    for campus, count in CAMPUSES.items():
        for number in range(1, count + 1):
            name = f"{chance.choice(given)} {chance.choice(family)}"
            id_ = f"{campus[0]}{number:05d}"
            made.append(
                Student(
                    id=id_,
                    campus=campus,
                    name=name,
                    email=f"{name.lower().replace(' ', '.')}.{id_.lower()}@{DOMAIN}",
                    level=chance.choice(_LEVELS),
                    advisor_id=chance.choice(ADVISORS[campus]) if chance.random() < _ADVISED else "",
                    courses=tuple(chance.sample(catalogue, chance.choice((3, 4, 4, 5)))),
                )
            )
    return made
