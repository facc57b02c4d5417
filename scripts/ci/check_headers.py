#!/usr/bin/env python3
"""Lists the public declarations in headers that have no comment: types, functions and public member functions must say
shapes, units, errors thrown, the source, or whatever of these there is to say.

Usage: check_headers.py [ROOT] [--list]      fails when more than ALLOWED have none; that number may only fall

A comment counts when it stands above the declaration, on its line, or above a group of declarations without a blank line
in between; for a type also on its first members. The comment at the top of a header counts for its first declaration; that of an operation's
header (kernels/<operation>/), which has the mathematics and the layouts, for all. Nothing to say: constructors, destructors,
operators, overrides, bodies on the declaration's line, = default and = delete; names of CUDA, which NVIDIA's manuals
explain (simt/). *_spec.h are tables for tests, not for users.
"""
import argparse
import pathlib
import re
import subprocess
import sys

ROOMS = ('base', 'ecg', 'evaluation', 'simt', 'kernels', 'dsp', 'engine', 'data', 'model', 'report', 'apps')
ALLOWED = 0
SILENT = re.compile(r'\boverride\b|= (default|delete);|\boperator\b|~\w+\(|^(explicit )?\w+\(|^(friend|using|typedef)\b'
                    r'|^static_assert\b|^extern template\b')
OF_CUDA = re.compile(r'\b(cuda[A-Z]\w+|cublas\w+|__[a-z]\w+|(make_)?(u?int|float|dim)[234]|rsqrtf) ?[({]')
OPERATION = re.compile(r'^kernels/(?!common/|gemm/)\w+/')
TYPE = re.compile(r'^(template\s*<.*>\s*)?(class|struct|enum class|enum|union) (\w+)[^;]*\{')
FUNCTION = re.compile(r'^[A-Za-z_:<>\[\],&*\s\d.]*?[\w>&*\]] [*&]?(\w+)\(')
NOT_FUNCTIONS = re.compile(r'^(if|for|while|switch|return|else|do|case|throw|delete|new|std::\w+\()\b')


def statements(lines):
    """Declarations with what surrounds them: (line number, text, commented, depth inside a body)."""
    text, start, commented, group = '', 0, False, False
    in_comment = False
    for number, line in enumerate(lines, 1):
        code = line.strip()
        if in_comment:
            in_comment = '*/' not in code
            continue
        if not text:
            if not code:
                commented = group = False
                yield number, '', False
                continue
            if code.startswith('//'):
                commented = True
                continue
            if code.startswith('/*'):
                in_comment = '*/' not in code
                commented = True
                continue
            if code.startswith('#'):
                continue
            start = number
        if '//' in code:
            commented = True
            code = code[:code.index('//')].rstrip()
        text = (text + ' ' + code).strip()
        if text.startswith('template') and text.endswith('>') and text.count('<') == text.count('>'):
            continue
        if text.endswith((';', '{', '}', ':', '};')) or text.endswith('})'):
            yield start, text, commented or group
            group = group or commented
            commented, text = False, ''


def undocumented(path, lines):
    stack = []  # of open braces: 'namespace', ('class', name, access), 'other'
    first = True
    top_comment = bool(lines) and lines[0].startswith('//')
    whole_file = top_comment and OPERATION.match(path)
    for number, text, commented in statements(lines):
        if not text:
            continue
        inside = stack[-1] if stack else 'namespace'
        visible = inside == 'namespace' or (isinstance(inside, list) and inside[1] == 'public')
        label = re.match(r'^(public|private|protected):$', text)
        if label and isinstance(inside, list):
            inside[1] = label.group(1)
            continue
        is_type = TYPE.match(text)
        opens = text.count('{') - text.count('}')
        if visible and not text.startswith(('namespace', '}')) and not (
                SILENT.search(text) or OF_CUDA.search(text) or whole_file):
            one_line = '{' in text and opens == 0 and not is_type
            function = FUNCTION.match(re.sub(r'^template\s*<[^()]*?>\s+(?=\w)', '', text))
            is_function = function and not NOT_FUNCTIONS.match(text) and not one_line and '= ' not in text.split('(')[0]
            if isinstance(inside, list) and function and function.group(1) == inside[0]:
                is_function = False
            if is_type or is_function:
                # A type may be explained by the comments of its members, or be a list of words.
                members = is_type and (opens == 0 or any('//' in line for line in lines[number:number + 3]))
                if not commented and not members and not (first and top_comment):
                    yield number, text
                first = False
        for _ in range(max(0, opens)):
            if text.startswith('namespace') or text.startswith('extern "C"'):
                stack.append('namespace')
            elif is_type and len(stack) < 20:
                stack.append([is_type.group(3), 'private' if is_type.group(2) == 'class' else 'public'])
            else:
                stack.append('other')
        for _ in range(max(0, -opens)):
            if stack:
                stack.pop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('root', nargs='?', type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument('--list', action='store_true')
    options = parser.parse_args()
    tracked = subprocess.run(['git', '-C', str(options.root), 'ls-files', '--'] + [f'{room}/*.h' for room in ROOMS],
                             capture_output=True, text=True, check=True)
    found = []
    headers = 0
    for path in tracked.stdout.splitlines():
        if path.endswith('_spec.h') or not (options.root / path).is_file():
            continue
        headers += 1
        lines = (options.root / path).read_text(encoding='utf-8').splitlines()
        found += [f'{path}:{number}: {text[:100]}' for number, text in undocumented(path, lines)]
    print(f'{headers} headers, {len(found)} public declarations without a comment, {ALLOWED} are allowed')
    if options.list or len(found) > ALLOWED:
        for one in found:
            print(one)
    sys.exit(1 if len(found) > ALLOWED else 0)


if __name__ == '__main__':
    main()
