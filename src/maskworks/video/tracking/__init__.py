"""Objects followed through a clip: found, carried on, told apart, counted and written."""
