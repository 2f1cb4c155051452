"""A copy of the tree, its layers as shared libraries, and its unit tests, once for all
changes: a change compiles one file and links one library."""

import glob
import gzip
import json
import os
import re
import shlex
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CFLAGS = ["-std=c11", "-O1", "-fPIC", "-fno-common", "-w"]


def run(argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, **more)


def must(argv, **more):
    done = run(argv, **more)
    if done.returncode:
        raise SystemExit(f"mutants: {shlex.join(argv)}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Variables(dict):
    """The assignments of a file for make that are words and $(NAME)."""

    def read(self, path):
        for line in open(path):
            found = re.match(r"([\w-]+) *([:+]?=) *(.*)", line)
            if found:
                name, operator, value = found.groups()
                value = re.sub(r"\$\(([\w-]+)\)", lambda name: self.get(name.group(1), ""), value)
                self[name] = (self.get(name, "") + " " if operator == "+=" else "") + value
        return self

    def words(self, name):
        return self.get(name, "").split()


class Tree:
    """In work: src and tests copied, lib/lib*.so, tests/NAME, and what each executes."""

    def __init__(self, work, build, asked):
        self.work, self.targets = work, Variables().read(os.path.join(ROOT, "package", "targets.mak"))
        self.config = Variables().read(os.path.join(build, "config.mak"))
        self.asked = asked
        self.layers = self.targets.words("LAYERS") + self.targets.words("INTERNAL_LAYERS")
        self.mains = {value for name, value in self.targets.items() if name.startswith("MAIN_")}
        for folder in ("src", "tests/unit"):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(work, folder), dirs_exist_ok=True)
        self.cc = shlex.split(self.config.get("CC", "cc"))
        self.cppflags = [f for f in shlex.split(self.config.get("CPPFLAGS", "")) if "FORTIFY" not in f]
        self.ldflags = [f for f in shlex.split(self.config.get("LDFLAGS", "")) if f.startswith("-L")]
        self.others = ["-lbearssl", "-lskarnet"]

    def path(self, *names):
        return os.path.join(self.work, *names)

    def sources(self, layer):
        found = glob.glob(self.path("src", layer, "*.c"))
        for sub in self.targets.words("SUBFOLDERS_" + layer):
            found += glob.glob(self.path("src", layer, sub, "*.c"))
        return sorted(set(os.path.relpath(f, self.work) for f in found) - self.mains)

    def libs(self, layer):
        return [name for name in self.targets.words("LIBS_" + layer) if name in self.layers]

    def tests(self):
        """Unit tests of the layers asked for: name, and the layer each is linked with."""
        for source in sorted(glob.glob(self.path("tests", "unit", "*.c"))):
            name = os.path.basename(source)[:-2]
            layer = self._layer_of(name, source)
            if layer in self.asked:
                yield name, layer

    def _layer_of(self, name, source):
        """What it is named after; else the highest layer of which it includes a header."""
        if name.split("_")[0] in self.layers:
            return name.split("_")[0]
        with open(source) as f:
            text = f.read()
        for header in re.findall(r'#include "(\w+\.h)"', text):
            path = os.path.join(os.path.dirname(source), header)
            text += open(path).read() if os.path.exists(path) else ""
        included = set(re.findall(r'#include "(\w+)/', text)) & set(self.layers)
        return max(included, key=lambda layer: len(self.libs(layer)), default=None)

    def linked(self):
        """The layers that these tests are linked with."""
        needed = {lib for _, layer in self.tests() for lib in self.libs(layer)}
        return [layer for layer in self.layers if layer in needed | set(self.asked)]

    # ---- building ----

    def compile(self, source, target, text=None, flags=()):
        """With text: as if the source were that. Gives whether it compiles."""
        folder = os.path.dirname(source)
        argv = [*self.cc, *self.cppflags, *CFLAGS, *flags, "-iquote", folder]
        more = [source] if text is None else ["-x", "c", "-"]
        return not run([*argv, "-c", "-o", target, *more], cwd=self.work, input=text).returncode

    def object(self, source, kind="obj"):
        return self.path(kind, source[:-2].replace("/", "-") + ".o")

    def link_library(self, layer, target, changed=None, new=None):
        objects = [new if s == changed else self.object(s) for s in self.sources(layer)]
        argv = [*self.cc, "-shared", "-o", target, *objects]
        return not run(argv, cwd=self.work).returncode

    def _all_objects(self, pool, kind, flags):
        os.makedirs(self.path(kind), exist_ok=True)
        sources = [s for layer in self.linked() for s in self.sources(layer)]
        sources += [f"tests/unit/{name}.c" for name, _ in self.tests()]
        defines = {"version.c": ["-DKTLS_VERSION=\"0\""], "preload.c": ["-DKTLS_LIBDIR=\"/\""],
                   "superserver.c": ["-DKTLS_TCPSERVER=\"auto\""]}

        def one(source):
            more = [*flags, *defines.get(os.path.basename(source), [])]
            if source.startswith("tests/"):
                more = [*defines.get(os.path.basename(source), [])]
            return source, self.compile(source, self.object(source, kind), flags=more)

        return [source for source, done in pool.map(one, sources) if not done]

    def build(self, pool):
        for source in self._all_objects(pool, "obj", []):
            raise SystemExit(f"mutants: {source} does not compile")
        for folder in ("lib", "tests/bin"):
            os.makedirs(self.path(folder), exist_ok=True)
        list(pool.map(lambda layer: self.link_library(layer, self.path("lib", f"libm-{layer}.so")), self.linked()))
        list(pool.map(lambda test: self._link_test(*test), self.tests()))
        memo = os.path.join(ROOT, "tests", "mutation", "memo.c")
        must([*self.cc, *self.cppflags, "-O2", "-shared", "-fPIC", "-o", self.path("memo.so"), memo, "-lbearssl", "-ldl"])

    def _link_test(self, name, layer):
        libs = [f"-l:libm-{lib}.so" for lib in self.libs(layer)]
        must([*self.cc, *self.ldflags, "-o", self.path("tests/bin", name), self.object(f"tests/unit/{name}.c"),
              "-L" + self.path("lib"), "-Wl,--no-as-needed", *libs, *self.others, "-Wl,--allow-shlib-undefined",
              "-Wl,-rpath-link," + self.path("lib")])

    # ---- what is executed ----

    def build_for_coverage(self, pool):
        """Processes that end by _exit say what they executed, too."""
        with open(self.path("exit.h"), "w") as f:
            f.write("#include <unistd.h>\nextern void __gcov_dump(void);\n"
                    "static inline _Noreturn void ktls_exit(int code)\n{ __gcov_dump(); (_exit)(code); }\n"
                    "#define _exit(code) ktls_exit(code)\n")
        flags = ["--coverage", "-O0", "-include", self.path("exit.h")]
        self._all_objects(pool, "cov", flags)
        os.makedirs(self.path("tests/cov"), exist_ok=True)

        def link(test):
            name, layer = test
            self.compile(f"tests/unit/{name}.c", self.object(f"tests/unit/{name}.c", "cov"),
                         flags=["-include", self.path("exit.h")])
            archives = [self.path("cov", lib + ".a") for lib in self.libs(layer)]
            must([*self.cc, *self.ldflags, "--coverage", "-o", self.path("tests/cov", name),
                  self.object(f"tests/unit/{name}.c", "cov"), *archives, *self.others], cwd=self.work)

        for layer in self.linked():
            must(["ar", "rc", self.path("cov", layer + ".a"), *(self.object(s, "cov") for s in self.sources(layer))])

        list(pool.map(link, self.tests()))

    def executed(self, folder):
        """The lines that a run with GCOV_PREFIX=folder executed: source -> set, and
        source -> those that could be."""
        data = folder + self.path("cov")
        for note in glob.glob(self.path("cov", "*.gcno")):
            link = os.path.join(data, os.path.basename(note))
            if os.path.isdir(data) and not os.path.exists(link):
                os.symlink(note, link)
        files = glob.glob(os.path.join(data, "*.gcda"))
        lines, known = {}, {}
        if not files:
            return lines, known
        run(["gcov", "-j", *files], cwd=data)
        for path in glob.glob(os.path.join(data, "*.gcov.json.gz")):
            for file in json.load(gzip.open(path))["files"]:
                name = os.path.relpath(os.path.join(self.work, file["file"]), self.work)
                if name.startswith("src/") and name.endswith(".c"):
                    known.setdefault(name, set()).update(l["line_number"] for l in file["lines"])
                    lines.setdefault(name, set()).update(l["line_number"] for l in file["lines"] if l["count"])
        return lines, known
