"""An image cut into stripes of rows, so that numpy code need not drag whole planes through memory at each step."""

SAMPLES = 1 << 15  # of a plane at a time: a dozen of them fit into a core's cache


def split_rows(shape, depth=1):
    """Slices of rows of `depth` images of that shape (rows, columns), about `SAMPLES` pixels each."""
    ny, nx = shape
    height = max(1, SAMPLES // max(nx * depth, 1))
    return [slice(y, min(y + height, ny)) for y in range(0, ny, height)]
