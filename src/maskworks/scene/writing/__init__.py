"""What is written of a record: JSON, tables, the IAB's forms, chapters, markers, a page."""
