"""Writing points: their bullets, numbers and check boxes, their indents, and columns of them."""
