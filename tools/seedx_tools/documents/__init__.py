"""Documents and tables as the source of a deck: what they hold as Markdown, figures and rows."""
