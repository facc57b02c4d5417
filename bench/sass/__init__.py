"""Reads the machine code (SASS) of the CUDA kernels; ../sass_report is the program."""
