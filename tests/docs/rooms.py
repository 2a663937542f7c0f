"""rooms.py SOURCE: the rooms of the core include and link only what core/README.md lists above them, and no circle is left.

Prints the number of rooms, of pairs of rooms in which one includes or links the other, and of those that run against the order.
"""
import collections
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#include "((?:core/)?(?:[a-z_]+))/', re.M)
ROOM = re.compile(r"gptcore_room\((\w+)(.*?)\)", re.S)
LISTED = re.compile(r"^- `([a-z_]+)`:", re.M)
TOPS = ["core", "testkit", "plugins", "apps"]


def order_of(source):
    """Floor of each room: the SDK, the list of core/README.md, then what uses the core."""
    listed = ["core/" + name for name in LISTED.findall((source / "core/README.md").read_text())]
    floors = {name: floor for floor, name in enumerate(["gptcore"] + listed)}
    for name in TOPS[1:]:
        floors[name] = len(floors)
    return floors


def room_of(path):
    return "/".join(path.parts[:2]) if path.parts[0] == "core" else "gptcore" if path.parts[0] == "sdk" else path.parts[0]


def files_of(source, *names):
    for top in ["sdk"] + TOPS:
        for name in names:
            for path in sorted((source / top).rglob(name)):
                if "templates" not in path.parts:
                    yield path.relative_to(source), path.read_text()


def arrows(source, problems):
    """{(from, to): a place}, of includes and of link lines."""
    found = {}
    for path, text in files_of(source, "*.h", "*.cpp"):
        for target in INCLUDE.findall(text):
            if target != room_of(path):
                found.setdefault((room_of(path), target), str(path))
    library_rooms, links = {}, []
    for path, text in files_of(source, "CMakeLists.txt"):
        for library, rest in ROOM.findall(text):
            library_rooms[library] = room_of(path)
            links += [(room_of(path), other, str(path)) for other in re.findall(r"gptcore::(\w+)", rest)]
            if "../" in rest:
                problems.append(f"{path}: gptcore_{library} compiles another room's sources")
    for room, library, place in links:
        target = library_rooms.get(library)
        if target and target != room:
            found.setdefault((room, target), place)
    return found


def circles(found):
    """Rooms that lead back to themselves."""
    after = collections.defaultdict(set)
    for a, b in found:
        after[a].add(b)

    def reaches(start):
        seen, todo = set(), list(after[start])
        while todo:
            room = todo.pop()
            if room not in seen:
                seen.add(room)
                todo += after[room]
        return seen

    return [room for room in sorted(after) if room in reaches(room)]


def main():
    source = pathlib.Path(sys.argv[1])
    problems = []
    floors = order_of(source)
    folders = {f"core/{path.name}" for path in (source / "core").iterdir() if path.is_dir()}
    listed = {room for room in floors if room.startswith("core/")}
    problems += [f"core/README.md does not list {room}" for room in sorted(folders - listed)]
    problems += [f"core/README.md lists {room}, which is not there" for room in sorted(listed - folders)]
    found = {(a, b): place for (a, b), place in arrows(source, problems).items() if a in floors and b in floors}
    up = [f"{place}: {a} includes or links {b}, which is above it" for (a, b), place in sorted(found.items()) if floors[b] >= floors[a]]
    round_trips = circles(found)
    problems += up + [f"{room} includes or links itself by way of others" for room in round_trips]
    print("\n".join(problems), end="\n" if problems else "")
    print(f"{len(listed)} rooms of the core, {len(found)} arrows, {len(up)} up, {len(round_trips)} circles")
    sys.exit(bool(problems))


main()
