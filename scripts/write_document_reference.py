"""Writes what docs/reference holds about csoc's documents: schemas and page. A test compares them with the models."""

from pathlib import Path

from csoc.fleet.documents import schemas

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"

if __name__ == "__main__":
    for name, content in schemas.reference_files().items():
        path = REFERENCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
