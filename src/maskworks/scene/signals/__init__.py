"""One file a signal: it looks at frames, text or sound and returns findings."""
