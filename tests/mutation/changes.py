"""One-token changes of a C source file.

Functions begin in the first column, and the line of a function's body that opens it
is `{` there: doc/STYLE.
"""

import re

TOKEN = re.compile(
    r"""(?P<skip>/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\s+)
      | (?P<directive>(?<![^\n])\#(?:\\\n|[^\n])*)
      | (?P<word>[A-Za-z_]\w*)
      | (?P<number>0[xX][0-9a-fA-F]+[uUlL]*|\d[\w.]*)
      | (?P<operator><<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|.)""",
    re.X | re.S,
)
DEFINED_NUMBER = re.compile(r"#define\s+\w+\s+(?:\(\s*)?(\d+)\b")
DECLARATION = re.compile(r"\s*(?:(?:static|const|unsigned|signed|struct|union|enum)\s+)*[a-z]\w*\s+[*\w, ]*\w\[[^=]*\]\s*[;,=]")
FUNCTION = re.compile(r"[A-Za-z_][\w *]*?\b(\w+)\(")
INTEGRAL = re.compile(r"(?:static |inline |extern )*(?:int|bool|_Bool|size_t|ssize_t|unsigned|enum \w+)\b[^*(]*\(")

# What stands there instead: each shifts a limit by one, or turns the question round.
RELATIONS = {
    "<": ["<=", "< -1 +", ">="],
    "<=": ["<", "<= 1 +", ">"],
    ">": [">=", "> 1 +", "<="],
    ">=": [">", ">= -1 +", "<"],
    "==": ["!="],
    "!=": ["=="],
    "&&": ["||"],
    "||": ["&&"],
}


class Token:
    def __init__(self, kind, text, start):
        self.kind, self.text, self.start, self.end = kind, text, start, start + len(text)


class Change:
    """Of the file's text, from start to end."""

    def __init__(self, file, start, end, new, what):
        self.file, self.start, self.end, self.new, self.what = file, start, end, new, what
        self.line = file.line_of(start)
        self.function = file.function_of(self.line)
        self.text = " ".join(file.lines[self.line - 1].split())

    def applied(self):
        return self.file.source[: self.start] + self.new + self.file.source[self.end :]

    def key(self):
        return self.file.path, self.function, self.text, self.what

    def __str__(self):
        return f"{self.file.path}:{self.line}: {self.function}: {self.what}\n    {self.text}"


class File:
    def __init__(self, path, source):
        self.path, self.source, self.lines = path, source, source.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)
        self.heads = self._functions()

    def _functions(self):
        """For each line its function's name, first line, and whether it gives an integer."""
        heads, current, begun = [], ("", 0, False), ("", 0, False)
        for number, line in enumerate(self.lines, 1):
            found = FUNCTION.match(line)
            if found and not line.endswith(";"):
                begun = (found.group(1), number, bool(INTEGRAL.match(line)))
            if line == "{":
                current = begun
            heads.append(current)
            if line.startswith("}"):
                current = ("", 0, False)
        return heads

    def line_of(self, position):
        return self.source.count("\n", 0, position) + 1

    def function_of(self, line):
        return self.heads[line - 1][0] or "-"

    def function_start(self, line):
        return self.heads[line - 1][1]

    def tokens(self):
        found = []
        for match in TOKEN.finditer(self.source):
            if match.lastgroup != "skip":
                found.append(Token(match.lastgroup, match.group(), match.start()))
        return found

    def changes(self):
        """All of them, in the file's order; those of the same kind in a line are numbered."""
        made, counts = [], {}
        for start, end, new, what in self._raw(self.tokens()):
            line = self.line_of(start)
            if not self._counts(start, line):
                continue
            number = counts[line, what] = counts.get((line, what), 0) + 1
            made.append(Change(self, start, end, new, what + (f" ({number})" if number > 1 else "")))
        return made

    def _counts(self, start, line):
        """Sizes of arrays are no limits: what checks the limit is changed elsewhere."""
        return not (DECLARATION.match(self.lines[line - 1]) and "=" not in self.source[self.starts[line - 1] : start])

    def _raw(self, tokens):
        for i, token in enumerate(tokens):
            before, after = tokens[i - 1] if i else None, tokens[i + 1] if i + 1 < len(tokens) else None
            if token.kind == "directive":
                yield from self._directive(token)
            elif token.kind == "number":
                yield from self._number(token, before)
            elif token.text in RELATIONS:
                for new in RELATIONS[token.text]:
                    yield token.start, token.end, new, f"{token.text} -> {new}"
            elif token.text == "!" and after:
                yield token.start, token.end, "", f"! of {after.text} dropped"
            elif token.text in ("if", "while") and after and after.text == "(":
                closed = self._closing(tokens, i + 1)
                condition = self.source[after.end : closed.start]
                if not re.search(r"[<>=!]=|[<>]|^!|&&|\|\|", condition.strip()):
                    yield after.end, closed.start, f"!({condition})", f"{token.text} turned round"
            elif token.text == "return" and after:
                yield from self._return(tokens, i)

    def _directive(self, token):
        found = DEFINED_NUMBER.match(token.text)
        if found:
            for step in (1, -1) if int(found.group(1)) else (1,):
                new = str(int(found.group(1)) + step)
                yield token.start + found.start(1), token.start + found.end(1), new, f"{found.group(1)} -> {new}"

    def _number(self, token, before):
        digits = token.text.rstrip("uUlL")
        if before and before.text == "return":
            return
        value = int(digits, 0) if not re.match(r"0\d", digits) else int(digits, 8)
        steps = (1,) if value == 0 or before is None or before.text not in RELATIONS else (1, -1)
        if before and before.text in ("<", "<=", ">", ">="):
            return  # the relation is shifted
        for step in steps:
            new = hex(value + step) if digits[:2].lower() == "0x" else str(value + step)
            yield token.start, token.start + len(digits), new, f"{digits} -> {new}"

    def _return(self, tokens, i):
        end = next(j for j in range(i, len(tokens)) if tokens[j].text == ";")
        words = [token.text for token in tokens[i + 1 : end]]
        first, last = tokens[i + 1], tokens[end - 1]
        if not words:
            return
        value = "".join(words)
        if value in ("0", "1", "-1"):
            new = {"0": "1", "1": "0", "-1": "0"}[value]
            yield first.start, last.end, new, f"return {value} -> {new}"
        elif self.heads[self.line_of(first.start) - 1][2] and "?" not in words:
            expression = self.source[first.start : last.end]
            top = self._top_level(words)
            if not top & set(RELATIONS) and first.text != "!":
                yield first.start, last.end, f"!({expression})", "return of the opposite"

    @staticmethod
    def _top_level(words):
        depth, found = 0, set()
        for word in words:
            depth += (word in ("(", "[")) - (word in (")", "]"))
            if not depth:
                found.add(word)
        return found

    @staticmethod
    def _closing(tokens, i):
        depth = 0
        for token in tokens[i:]:
            depth += (token.text == "(") - (token.text == ")")
            if not depth:
                return token
        raise ValueError("no closing parenthesis")
