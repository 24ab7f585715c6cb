"""The way from the internet to what runs in clusters: names, load balancers, certificates, web ACLs."""
