"""Network architectures in PyTorch, written from their papers; only training imports them."""
