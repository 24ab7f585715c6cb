"""What makes the objects of a simulated cluster live: controllers, a scheduler and a kubelet.

Controllers are functions of (cluster, key): they read what is there and write what should be, and keep nothing. They
are woken by changes of the store through a queue on the timeline, so a cluster in which nothing happens costs nothing.
"""
