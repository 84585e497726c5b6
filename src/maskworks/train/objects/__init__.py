"""Training of the detector `objects`: recipe, views, assignment, loop, export."""
