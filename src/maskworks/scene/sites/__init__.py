"""Out-of-home sites: what surrounds each screen, as a score that a person decides with."""
