"""Training of the network that redraws edges."""
