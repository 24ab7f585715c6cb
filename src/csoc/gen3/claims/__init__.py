"""What an environment uses outside of itself, from its values and from its rendered manifests."""
