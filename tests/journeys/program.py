"""The program that journeys play in: two campuses with people, and one campus where nobody is ever on duty."""

from typing import Any

OPEN = [{"weekday": day, "opens": "08:00", "closes": "18:00"} for day in range(5)]
ALWAYS = [{"weekday": day, "starts": "00:00", "hours": 24.0} for day in range(7)]


def _person(staff_id: str, name: str, campus: str, *roles: str, **more: Any) -> dict[str, Any]:
    held = [{"name": role, "campus": "*" if role.startswith("system:") else campus} for role in roles]
    for role in held:
        role["name"] = role["name"].removeprefix("system:")
    return {
        "staff_id": staff_id,
        "name": name,
        "email": f"{staff_id}@staff.example.edu",
        "campus": campus,
        "roles": held,
        **more,
    }


def _always(campus: str, function: str, *staff: str, backup: str = "") -> dict[str, Any]:
    weekly = [{"staff_id": person, **shift} for person in staff for shift in ALWAYS]
    weekly += [{"staff_id": backup, "backup": True, **shift} for shift in ALWAYS if backup]
    return {"campus": campus, "function": function, "zone": "UTC", "weekly": weekly}


DOCUMENT: dict[str, Any] = {
    "campuses": [
        {"campus": "NORTH", "name": "North Campus", "zone": "UTC", "hours": OPEN},
        {"campus": "SOUTH", "name": "South Campus", "zone": "America/New_York", "hours": OPEN},
        {"campus": "EMPTY", "name": "Campus without a rota", "zone": "UTC", "hours": OPEN},
    ],
    "staff": [
        _person("ada", "Ada Admin", "NORTH", "system:administrator", "system:feed_manager", "system:operator"),
        _person("ida", "Ida Second", "NORTH", "system:administrator"),
        _person("uma", "Uma Duty", "NORTH", "duty_officer"),
        _person("bea", "Bea Backup", "NORTH", "duty_officer"),
        _person("dee", "Dee Director", "NORTH", "director"),
        _person("sys", "Sy Stem", "SOUTH", "system:duty_officer"),
        _person("ana", "Ana Ruiz", "NORTH", "case_manager", "triager"),
        _person("ben", "Ben Okafor", "NORTH", "case_manager"),
        _person("sam", "Sam Supervisor", "NORTH", "supervisor", "triager"),
        _person("tia", "Tia Coordinator", "NORTH", "titleix_coordinator"),
        _person("tod", "Tod Deputy", "NORTH", "titleix_deputy"),
        _person("fay", "Fay Faculty", "NORTH", "faculty"),
        _person("eve", "Eve Empty", "EMPTY", "faculty", "triager"),
        _person("stu", "Stu South", "SOUTH", "case_manager", "triager"),
    ],
    "rotas": [
        _always("NORTH", "duty", "uma", backup="bea"),
        _always("*", "duty", "sys"),
    ],
    "policies": [
        {
            "campus": "*",
            "name": "emergency_contacts",
            "editions": [
                {
                    "edition": "journeys-1",
                    "effective_from": "2026-01-01T00:00:00Z",
                    "values": {"email": ["emergency@example.edu"]},
                }
            ],
        }
    ],
}
