#!/usr/bin/env python3
"""Counts which diagnostic statements occur together in PTB-XL and writes data/synthetic/statement_sets.cpp.

Usage: scripts/studies/make_statement_sets.py ptbxl_database.csv scp_statements.csv > data/synthetic/statement_sets.cpp
Sets of fewer than three records are left out; what they contribute to each statement goes into the second table.
"""
import collections
import csv
import re
import sys

LEAST = 3

with open(sys.argv[2], newline="", encoding="utf-8") as file:
    diagnostic = [row[""] for row in csv.DictReader(file) if row["diagnostic"] == "1.0"]
sets = collections.Counter()
with open(sys.argv[1], newline="", encoding="utf-8") as file:
    for row in csv.DictReader(file):
        codes = re.findall(r"'([^']+)'\s*:", row["scp_codes"])
        sets[tuple(code for code in diagnostic if code in codes)] += 1

left = collections.Counter()
rare_records = 0
for codes, count in sets.items():
    if count < LEAST:
        rare_records += count
        for code in codes:
            left[code] += count
frequent = sorted(((count, codes) for codes, count in sets.items() if count >= LEAST), key=lambda e: (-e[0], e[1]))

print('// Written by scripts/studies/make_statement_sets.py from the labels of PTB-XL 1.0.3 (Wagner et al., Scientific Data')
print('// 7:154, 2020; CC BY 4.0): counts of records. Do not edit.')
print('#include "data/synthetic/statement_sets.h"\n')
print('namespace cardiograd::data::synthetic {')
print('namespace {\n')
print('// clang-format off')
print(f'constexpr std::array<StatementSet, {len(frequent)}> kSets = {{{{')
for count, codes in frequent:
    print(f'    {{"{" ".join(codes)}", {count}}},')
print('}};\n')
print(f'constexpr std::array<StatementSet, {len(left)}> kLeft = {{{{')
for code in diagnostic:
    if left[code]:
        print(f'    {{"{code}", {left[code]}}},')
print('}};')
print('// clang-format on\n')
print('}  // namespace\n')
print('std::span<const StatementSet> frequent_statement_sets() { return kSets; }')
print('std::span<const StatementSet> rare_statements() { return kLeft; }')
print(f'int rare_set_records() {{ return {rare_records}; }}\n')
print('}  // namespace cardiograd::data::synthetic')
