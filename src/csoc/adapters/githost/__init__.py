"""Hosts of Git repositories over their REST interfaces: GitHub and Gitea behind the port `fleet.githost`."""
