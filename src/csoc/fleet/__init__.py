"""What the fleet's repositories say: documents, snapshots, Applications, values, and edits to them."""
