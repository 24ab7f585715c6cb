"""YAML as Helm and Argo CD read it, and edits to it that leave every other byte alone: `yamltext` and `yamledit`."""
