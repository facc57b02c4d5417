"""The errors that end the program with one line: what is wrong, what is known or what to do."""


class ReportError(Exception):
    """Something failed: exit status 1."""


class UsageError(ReportError):
    """The command line or one of the report's own tables is wrong: exit status 2."""


def unknown(what, name, known):
    return UsageError(f"unknown {what} '{name}' (known: {', '.join(sorted(map(str, known)))})")
