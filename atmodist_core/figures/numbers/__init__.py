"""What one comparison consists of: the block of a grid that a region covers, and the numbers behind each figure.

The page and the command that draws its figures without it compute with the same functions.
"""
