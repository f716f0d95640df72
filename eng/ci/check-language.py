#!/usr/bin/env python3
"""Fails on words that this project does not use, and on long lines, sentences, files and methods.

CONTRIBUTING.md has the vocabulary. Exceptions are in check-language.exceptions, one "path: text: reason" per line.
usage: check-language.py [FILE...]     default: src, tests, samples, docs, eng, .ci and README.md
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXCEPTIONS = pathlib.Path(__file__).with_suffix(".exceptions")
AREAS = ["src", "tests", "samples", "docs", "eng", ".ci", "README.md"]
# The b of \b precedes each word, so this pattern does not match its own lines.
WORDS = re.compile(
    r"\banswer(s|ed)?\b|\bresen[dt]s?\b|\bamid\b|\banew\b|\bnonetheless\b|\bfor ever\b"
    r"|\b(is|are) no (?!longer\b|more\b)", re.IGNORECASE)
TEXT = {".cs", ".md", ".sh", ".py", ".js", ".mjs", ".cjs", ".ts", ".html", ".css", ".csproj", ".props", ".targets",
        ".yml", ".yaml", ".txt", ".json", ".tsv"}
WRAPPED = TEXT - {".txt", ".json", ".tsv"}
# Files without an extension are scripts in these folders.
SCRIPT_FOLDERS = ("eng/", ".ci/")
# Data from other projects, data that a tool generates, and data that a test compares byte by byte.
DATA = re.compile(
    r"^tests/TestData/|^eng/mutation/survivors\.tsv$|package(s\.lock|-lock)?\.json$|/messages\.approved\.md$"
    r"|PublicAPI\.(Un)?[Ss]hipped\.txt$|/corpus/")
MAX_COLUMNS = 120
MAX_EXCEPTIONS = 20
MAX_SENTENCE_WORDS = 25
MAX_FILE_LINES = 300
MAX_METHOD_LINES = 40
PARAGRAPH_END = r"</(summary|remarks|para|item|param|value|returns|exception|typeparam|term|description)>"
TYPE = re.compile(r"\b(class|struct|record|interface|enum|namespace)\b")


def exceptions():
    """Returns path and text of each exception."""
    lines = [line for line in EXCEPTIONS.read_text().splitlines() if line and not line.startswith("#")]
    if len(lines) > MAX_EXCEPTIONS:
        raise SystemExit(f"{EXCEPTIONS.name} has {len(lines)} exceptions; at most {MAX_EXCEPTIONS} are allowed")
    parts = [line.split(": ", 2) for line in lines]
    if any(len(part) != 3 for part in parts):
        raise SystemExit(f"{EXCEPTIONS.name}: write each exception as 'path: text: reason'")
    return [(path, text) for path, text, _ in parts]


def prose_lines(path, lines):
    """Yields number and text of the lines that must not be longer than MAX_COLUMNS."""
    in_block = False
    for number, line in enumerate(lines, 1):
        if path.suffix == ".md":
            if line.lstrip().startswith(("```", "~~~")):
                in_block = not in_block
                continue
            if in_block or line.lstrip().startswith("|"):
                continue
            line = re.sub(r"\]\([^)]*\)", "]", line)
        elif path.suffix == ".cs" and line.count('"""') % 2:
            in_block = not in_block
            if not in_block:
                continue
        elif in_block:
            continue
        if "://" not in line:
            yield number, line


def members(lines):
    """Yields name, first and last line of each method and constructor.

    Finds them by indentation, which the format check enforces.
    """
    for end, line in enumerate(lines):
        closed = re.fullmatch(r"( {4,})\}", line)
        if not closed:
            continue
        indent = closed[1]
        begin = next((i for i in range(end - 1, 0, -1) if lines[i] == indent + "{"), None)
        if begin is None:
            continue
        declaration = begin - 1
        while declaration > 0 and not re.match(indent + r"\S", lines[declaration]):
            declaration -= 1
        head = " ".join(part.strip() for part in lines[declaration:begin])
        outer = [i for i in range(declaration) if lines[i] == indent[4:] + "{"]
        in_type = not outer or TYPE.search(" ".join(lines[max(0, outer[-1] - 4):outer[-1]]))
        if "(" in head and in_type and not TYPE.search(head.split("(")[0]):
            yield head.split("(")[0].split()[-1], begin + 1, end + 1


def sentences(lines):
    """Yields first line number and text of each sentence of the comments, without XML tags."""
    begin, text, in_code = 0, "", False
    for number, line in enumerate([*lines, ""], 1):
        comment = re.match(r"\s*///?(?!/)\s?(.*)", line)
        if comment:
            begin = begin or number
            in_code = (in_code or "<code>" in comment[1]) and "</code>" not in comment[1]
            if in_code:
                continue
            # Code is not prose. A tag that closes a paragraph ends a sentence. A reference counts as one word.
            part = re.sub(PARAGRAPH_END, ". ", comment[1])
            part = re.sub(r"<(see|paramref|typeparamref)\b[^>]*?(name|href|cref|langword)=\"[^\"]*\"\s*/>", "X", part)
            text += " " + re.sub(r"<[^>]*>", " ", part)
            continue
        for sentence in re.split(r"(?<=[.!?])\s+", text):
            if sentence.strip():
                yield begin, sentence.strip()
        begin, text = 0, ""


def check(path):
    """Yields the complaints about one file as (line number, text, line)."""
    name = path.relative_to(ROOT).as_posix()
    is_script = not path.suffix and name.startswith(SCRIPT_FOLDERS)
    if not (path.suffix in TEXT or is_script) or DATA.search(name):
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        word = WORDS.search(line)
        if word:
            yield number, f"'{word[0]}' is not a word of this project (CONTRIBUTING.md)", line
    if path.suffix in WRAPPED or is_script:
        for number, line in prose_lines(path, lines):
            if len(line) > MAX_COLUMNS:
                yield number, f"{len(line)} columns; at most {MAX_COLUMNS}", line
    if path.suffix == ".cs":
        for number, sentence in sentences(lines):
            words = re.findall(r"[^\W_][\w'’./()-]*", sentence)
            if len(words) > MAX_SENTENCE_WORDS and not words[0].startswith("Source"):
                complaint = f"a sentence of {len(words)} words; at most {MAX_SENTENCE_WORDS}: {' '.join(words[:6])} ..."
                yield number, complaint, sentence
    if name.startswith("src/") and path.suffix == ".cs":
        if len(lines) > MAX_FILE_LINES:
            yield 1, f"{len(lines)} lines; a file of src has at most {MAX_FILE_LINES}", ""
        for member, begin, end in members(lines):
            if end - begin - 1 > MAX_METHOD_LINES:
                yield begin, f"{member} has {end - begin - 1} lines; a method has at most {MAX_METHOD_LINES}", ""


def main():
    allowed = exceptions()
    used = set()
    list_files = ["git", "ls-files", "-co", "--exclude-standard", *AREAS]
    listed = sys.argv[1:] or subprocess.check_output(list_files, cwd=ROOT, text=True).splitlines()
    complaints = 0
    for path in (pathlib.Path(name).resolve() if sys.argv[1:] else ROOT / name for name in listed):
        if not path.is_file():
            continue
        name = path.relative_to(ROOT).as_posix()
        for number, complaint, line in check(path):
            match = next((item for item in allowed if item[0] == name and item[1] in line), None)
            if match:
                used.add(match)
                continue
            complaints += 1
            print(f"{name}:{number}: {complaint}")
    if not sys.argv[1:]:
        for path, text in [item for item in allowed if item not in used]:
            complaints += 1
            print(f"{EXCEPTIONS.name}: '{path}: {text}' is not needed")
    print(f"check-language: {complaints} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
