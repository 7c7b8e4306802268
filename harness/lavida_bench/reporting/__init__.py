"""Reports of results: Markdown, HTML pages, tables, the terminal."""
