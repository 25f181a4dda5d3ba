"""A report as it is printed: titled sections of a header and rows of cells.

Knows nothing of where the cells come from.
"""

SOLUTION = ("Solution Title", "Solution ID")  # R39: no feed has them


class Section:
    def __init__(self, title, header):
        self.title = title
        self.header = header
        self.rows = []

    def add(self, cells):
        """One row, given as header -> cell text. Each header exactly once."""
        cells = dict(cells)
        for column in SOLUTION:
            if column in self.header:
                cells[column] = ""
        unknown = set(cells) - set(self.header)
        missing = set(self.header) - set(cells)
        if unknown or missing:
            raise ValueError(f"{self.title}: unknown {sorted(unknown)}, missing {sorted(missing)}")
        self.rows.append([cells[column] for column in self.header])


class Report:
    def __init__(self, name, stem, sections):
        self.name = name      # report id
        self.stem = stem      # file name without the date
        self.sections = sections

    def has_data(self):
        return any(s.rows for s in self.sections)


def columns(text):
    """Header names from one text with | between them."""
    return [c.strip() for c in text.replace("\n", " ").split("|")]
