#!/usr/bin/env python3
"""Checks a bill of materials (cmake/sbom.cmake): its form, that it names every package of cmake/packages.cmake that the
build needs, and every shared library that the programs load.

Usage: check_sbom.py SBOM PROGRAM...      exit status 1 with a line for each fault
"""
import json
import pathlib
import re
import subprocess
import sys

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / 'cmake/packages.cmake'
# Nothing of them is in what is installed; CUDA's may be. Threads are glibc's.
NO_PART = {'PkgConfig', 'GTest', 'benchmark', 'OpenMP', 'Threads', 'CUDAToolkit', 'NCCL'}


def form_faults(bom):
    if bom.get('bomFormat') != 'CycloneDX' or bom.get('specVersion') != '1.5' or bom.get('version') != 1:
        yield 'is no CycloneDX 1.5'
    references = [component['bom-ref'] for component in bom['components']]
    if len(set(references)) < len(references):
        yield 'names a component twice'
    for component in [bom['metadata']['component'], *bom['components']]:
        name = component['name']
        if not re.fullmatch(r'[0-9]+(\.[0-9]+)+.*', component.get('version', '')):
            yield f'{name}: no version'
        if not all(entry.get('expression') for entry in component.get('licenses') or [{}]):
            yield f'{name}: no license'
    for component in bom['components']:
        if component.get('purl') != f'pkg:generic/{component["name"]}@{component["version"]}':
            yield f'{component["name"]}: its package URL does not fit'
    if bom['dependencies'] != [{'ref': 'cardiograd', 'dependsOn': references}]:
        yield 'the dependencies are not the components'


def values_of(bom, name):
    return [entry['value'] for component in bom['components'] for entry in component['properties'] if entry['name'] == name]


def package_faults(bom, text):
    """Of the packages that packages.cmake asks for."""
    there = set(values_of(bom, 'cardiograd:package'))
    wanted = re.findall(r'(?:cardiograd_package\(\S+ |find_package\(|pkg_check_modules\()(\w+)', text)
    for package in sorted(set(wanted) - NO_PART - {'name'} - there):
        yield f'{package} of {PACKAGES.name} is missing'


def library_faults(bom, program):
    loaded = subprocess.run(['readelf', '--dynamic', '--wide', program], capture_output=True, text=True, check=True).stdout
    known = tuple(beginning for value in values_of(bom, 'cardiograd:loads') for beginning in value.split())
    for library in re.findall(r'\(NEEDED\).*\[(.*)\]', loaded):
        if not library.startswith(known) and not re.match(r'lib[aut]?[bs]?san\.so', library):
            yield f'{library}, which {pathlib.Path(program).name} loads, is missing'


def main():
    bom = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding='utf-8'))
    faults = [*form_faults(bom), *package_faults(bom, PACKAGES.read_text(encoding='utf-8'))]
    for program in sys.argv[2:]:
        faults += library_faults(bom, program)
    for fault in dict.fromkeys(faults):
        print(f'{sys.argv[1]}: {fault}')
    print(f'{sys.argv[1]}: {len(bom["components"])} components, {len(sys.argv) - 2} programs, {len(faults)} faults')
    return 1 if faults or len(sys.argv) < 3 else 0


if __name__ == '__main__':
    sys.exit(main())
