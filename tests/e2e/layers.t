#!/usr/bin/python3
# What the tree promises: a folder of src uses only folders before it in package/targets.mak (FOLDERS), by symbols and by
# headers; no two files of src need each other; a file name occurs once; only crypto and x509 know BearSSL.
# runs: host; not: sanitizers

import functools
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import lib
import tap

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("KTLS_BUILD", TOP / "build"))
BEARSSL_USERS = {"crypto", "x509"}


def folders():
    lines = re.findall(r"^FOLDERS \+?:?= (.*)$", (TOP / "package/targets.mak").read_text(), re.M)
    return " ".join(lines).split()


ORDER = {folder: place for place, folder in enumerate(folders())}


def sources(*endings):
    found = sorted(path for path in (TOP / "src").rglob("*") if path.suffix in endings)
    return [path.relative_to(TOP / "src") for path in found]


def folder_of(path):
    return Path(path).parts[0]


def is_upward(user, used):
    return ORDER.get(folder_of(used), -1) > ORDER.get(folder_of(user), -1)


def includes():
    """(file, header of ours) for each quoted include."""
    for path in sources(".c", ".h"):
        for header in re.findall(r'^#include "([^"]+)"', (TOP / "src" / path).read_text(), re.M):
            beside = path.parent / header
            yield path, beside if (TOP / "src" / beside).exists() else Path(header)


def symbols_of(object_file):
    """The names that an object defines for others, and those that it needs."""
    listing = subprocess.run(["nm", "-g", object_file], capture_output=True, text=True, check=True)
    pairs = [line.split()[-2:] for line in listing.stdout.splitlines()]
    return {name for kind, name in pairs if kind not in "Uvw"}, {name for kind, name in pairs if kind in "Uvw"}


def symbols():
    """The same of every source file, by its name."""
    defined, needed = {}, {}
    for source in sources(".c"):
        linked, preloaded = (BUILD / kind / "src" / source.with_suffix(".o") for kind in ("obj", "pic"))
        if linked.exists():
            defined[source], needed[source] = symbols_of(linked)
        elif preloaded.exists():  # of a library that replaces libc's functions: these names are not for us
            needed[source] = symbols_of(preloaded)[1]
    return defined, needed


@functools.cache
def uses():
    """file -> set of the files whose functions or variables it uses; programs' mains define nothing for others."""
    defined, needed = symbols()
    owner = {name: source for source, names in defined.items() for name in names if name != "main"}
    return {source: {owner[name] for name in names if name in owner} - {source} for source, names in needed.items()}


def circles(graph):
    """Groups of files that need each other (Tarjan's strongly connected components)."""
    index, low, stack, groups = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in graph.get(node, ()):
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            place = stack.index(node)
            groups.append(sorted(map(str, stack[place:])))
            del stack[place:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return [group for group in groups if len(group) > 1]


def none(found, name):
    lines = [str(line) for line in found]
    tap.ok(not lines, name, "\n".join(lines))


def order_names_every_folder():
    there = {folder_of(path) for path in sources(".c", ".h")}
    none(sorted(there ^ set(ORDER)), "FOLDERS names each folder of src, and no other")


def no_header_of_a_higher_folder():
    none((f"{path} includes {header}" for path, header in includes() if is_upward(path, header)),
         "no file includes a header of a higher folder")


def no_symbol_of_a_higher_folder():
    graph = uses()
    none((f"{user} uses {used}" for user in sorted(graph) for used in sorted(graph[user]) if is_upward(user, used)),
         "no file uses a function or variable of a higher folder")


def no_circle():
    none((" <-> ".join(group) for group in circles(uses())), "no circle between files")


def names_occur_once():
    places = defaultdict(list)
    for path in sources(".c", ".h"):
        places[path.name].append(str(path))
    none((" ".join(paths) for paths in places.values() if len(paths) > 1), "each file name occurs once")


def bearssl_stays_below():
    users = {path for path in sources(".c", ".h") if "<bearssl" in (TOP / "src" / path).read_text()}
    none(sorted(str(path) for path in users if folder_of(path) not in BEARSSL_USERS), "only crypto and x509 include BearSSL")


tap.main(order_names_every_folder, no_header_of_a_higher_folder, no_symbol_of_a_higher_folder, no_circle,
         names_occur_once, bearssl_stays_below)
