"""Given names that people use for one another, in comparable spelling. One line, one name; a name may be in several."""

_GROUPS = """
abigail abby gail
alexander alex alec sandy xander sasha
alexandra alex alexa sandra sandy sasha lexi
alejandro alex alejo jandro
andrew andy drew
andrea andy andie
anthony antony tony
antonio tony tono
barbara barb babs bobbie
benjamin ben benji benny
catherine katherine kathryn cathy kathy kate katie kitty
charles charlie chuck chas
charlotte charlie lottie
christopher chris kit topher
christina christine chris chrissy tina
concepcion concha conchita
daniel dan danny
deborah debra deb debbie
dolores lola loli
edward ed eddie ned ted teddy
eduardo edu lalo
elizabeth elisabeth liz lizzie beth betty betsy eliza libby ellie
enrique kike quique
ernesto neto
felipe pipe
florence flo florrie
francis frank fran
francisco paco pancho frank kiko
frederick fred freddie
gabriel gabe
gabriela gaby gabi
guadalupe lupe lupita
gregory greg
guillermo memo guille
henry harry hank
ignacio nacho
isabel isabella isabelle bella izzy isa
jacob jake
james jim jimmy jamie
jennifer jen jenny jenn
jessica jess jessie
jesus chuy chucho
john jack johnny jon
jonathan jon jonny nathan
jose pepe
joseph joe joey
joshua josh
juan juancho
kenneth ken kenny
lawrence laurence larry
leonard leo lenny
luis lucho
manuel manny manolo
margaret maggie meg peggy marge greta daisy
maria mary mari
mariana mari
matthew matt
maximilian max
melissa mel lissa
michael mike mick mickey
miguel mike
mohammed muhammad mohamed mo
nathaniel nathan nate nat
nicholas nick nicky nico
olivia liv livvy
oliver ollie
pamela pam
patricia pat patty trish tricia
patrick pat paddy
penelope penny
peter pete
philip phillip phil
rafael rafa
rebecca becca becky
richard rick dick rich ricky
robert rob bob bobby robbie bert
roberto beto
rosario charo
samuel sam sammy
samantha sam sammy
saffron saff saffy
stephen steven steve
stephanie steph
susan sue susie
theodore theo ted teddy
thomas tom tommy
timothy tim
veronica vero ronnie
victoria vicky tori
vincent vince vinny
virginia ginny
william bill billy will willie liam
yesenia yesi
zachary zach zack
"""

_ALSO: dict[str, frozenset[str]] = {}
for _line in _GROUPS.split("\n"):
    _names = frozenset(_line.split())
    for _name in _names:
        _ALSO[_name] = _ALSO.get(_name, frozenset()) | _names


def _first_of_all() -> dict[str, str]:
    """Return for each name the first of all that may be meant by it, over names that are in several lines."""
    found: dict[str, str] = {}
    for line in _GROUPS.split("\n"):
        names = line.split()
        known = {found[name] for name in names if name in found}
        one = min(known) if known else (names[0] if names else "")
        found.update(dict.fromkeys(names, one))
        found.update({name: one for name, other in found.items() if other in known})
    return found


_FIRST = _first_of_all()


def written_out(name: str) -> str:
    """Return a comparable name with each part that may be a nickname written as one and the same for all it may mean.

    Only for looking names up: `bill smith` and `will smith` are both kept, and sought, as `william smith`.
    """
    return " ".join(_FIRST.get(part, part) for part in name.split(" "))


def may_mean(one: str, other: str) -> bool:
    """Return whether two given names are used for one another."""
    return other in _ALSO.get(one, ())
