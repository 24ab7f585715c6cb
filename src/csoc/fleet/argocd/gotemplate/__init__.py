"""Go templates as an ApplicationSet uses them, with the functions that Argo CD offers."""
