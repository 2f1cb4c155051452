#!/usr/bin/python3
# The manual pages: nothing for mandoc to complain of, and no line that a terminal of 80
# columns breaks, by mandoc or by groff, which man uses.

import glob
import os
import re
import shutil
import subprocess

import lib
import proc
import tap

COLUMNS = 80
PAGES = sorted(glob.glob(os.path.join(proc.ROOT, "doc", "*.[1-9]")))
RENDERERS = {
    "mandoc": ["mandoc", "-T", "utf8", "-O", "width=78"],
    "groff": ["groff", "-mandoc", "-T", "utf8", "-rLL=78n", "-P-c"],
}
# what depends on the manuals that are installed beside ours
ELSEWHERE = r"mandoc\.db|referenced manual not found"


def run(*argv):
    done = subprocess.run(argv, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    return (done.stdout + done.stderr).decode()


def lint():
    if not shutil.which("mandoc"):
        return tap.skip("mandoc -T lint", "not installed")
    for page in PAGES:
        said = [line for line in run("mandoc", "-T", "lint", page).splitlines() if not re.search(ELSEWHERE, line)]
        tap.equal(said, [], f"mandoc -T lint {os.path.basename(page)}")


def shown(renderer, page):
    """The lines, without bold and underline."""
    text = run(*RENDERERS[renderer], page)
    while "\x08" in text:
        text = re.sub("[^\x08]\x08", "", text)
    return text.splitlines()


def one_word_each(lines):
    """Where a table's last column has no room: a word on each of three lines."""
    words = [re.fullmatch(r" {20,}\S{1,12}", line) for line in lines]
    return [lines[i : i + 3] for i in range(len(lines) - 2) if all(words[i : i + 3])]


def width():
    for renderer in RENDERERS:
        if not shutil.which(renderer):
            tap.skip(renderer, "not installed")
            continue
        for page in PAGES:
            lines = shown(renderer, page)
            name = f"{renderer} {os.path.basename(page)}"
            tap.ok(len(lines) > 20, f"{name}: is shown", "\n".join(lines))
            tap.equal([line for line in lines if len(line) > COLUMNS], [], f"{name}: at most {COLUMNS} columns")
            tap.equal(one_word_each(lines), [], f"{name}: no column with one word in a line")


tap.main(lint, width)
