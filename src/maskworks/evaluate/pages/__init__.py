"""Reports as pages: one file each, that opens from a disk and fetches nothing."""
