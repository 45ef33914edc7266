"""The pages. Each finds what the user may see, reads, and shows; times are in the store's zone."""
