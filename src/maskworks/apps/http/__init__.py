"""The service: the remove.bg and rembg interfaces, our own, and the review page."""
