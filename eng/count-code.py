#!/usr/bin/env python3
"""Counts the characters of C# code, without white space, comments and string literals.

usage: eng/count-code.py [FOLDER ...]     default: src
"""
import pathlib
import re
import sys

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|(?:\$*@?\$*)"|\'(?:\\.[^\']*|[^\'\\])\'', re.DOTALL)


def end_of_string(text, start, opening):
    """Returns the index after a string literal whose prefix and first quote are text[start:opening + 1]."""
    prefix = text[start:opening]
    quotes = len(re.match('"+', text[opening:]).group())
    dollars = prefix.count('$')
    if quotes >= 3:
        return text.index('"' * quotes, opening + quotes) + quotes
    if quotes == 2 and '@' not in prefix:
        return opening + 2
    at = opening + 1
    while True:
        char = text[at]
        if char == '"':
            if '@' in prefix and text[at + 1:at + 2] == '"':
                at += 2
                continue
            return at + 1
        if char == '\\' and '@' not in prefix:
            at += 2
        elif char == '{' and dollars:
            at = at + 2 if text[at + 1] == '{' else end_of_interpolation(text, at + 1)
        else:
            at += 1


def end_of_interpolation(text, at):
    """Returns the index after the brace that closes an interpolation."""
    depth = 1
    while depth:
        match = re.compile(r'\$*@?\$*"|\'(?:\\.[^\']*|[^\'\\])\'|[{}]').search(text, at)
        token = match.group()
        if token.endswith('"'):
            at = end_of_string(text, match.start(), match.end() - 1)
            continue
        depth += {'{': 1, '}': -1}.get(token, 0)
        at = match.end()
    return at


def count(text):
    total = at = 0
    for _ in iter(int, 1):
        match = TOKEN.search(text, at)
        code = text[at:match.start() if match else len(text)]
        total += len(re.sub(r'\s', '', code))
        if not match:
            return total
        token = match.group()
        if token.endswith('"') and not token.startswith('/'):
            at = end_of_string(text, match.start(), match.end() - 1)
        else:
            if token.startswith("'"):
                total += len(token)
            at = match.end()


def main(folders):
    total = 0
    for folder in folders:
        files = sorted(pathlib.Path(folder).rglob('*.cs'))
        files = [f for f in files if not {'obj', 'bin', 'artifacts'} & set(f.parts)]
        characters = sum(count(f.read_text(encoding='utf-8-sig')) for f in files)
        print(f'{folder}: {characters:,} characters in {len(files)} files')
        total += characters
    if len(folders) > 1:
        print(f'total: {total:,}')


main(sys.argv[1:] or ['src'])
