"""Programs for developers and make; none of them is part of the product."""
