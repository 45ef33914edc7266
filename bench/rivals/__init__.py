"""What the product is measured against: written as one would without it, and kept honest."""
