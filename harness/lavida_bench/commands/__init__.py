"""The verbs of `lavida-bench`, one file each: score_files.py holds `command`, the verb `score-files`.

A verb imports at its top only what `--help` needs (click, options, progress) and the rest when it is called.
"""
