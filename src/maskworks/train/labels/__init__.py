"""Train networks that give every pixel a class."""
