"""The benchmarks' results as one page (bench_page) and as tables in the README (scripts/readme_tables.py)."""
