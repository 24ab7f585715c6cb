"""What layers are built of: resources and policies that a layer makes by asking for them, often more than one layer."""
