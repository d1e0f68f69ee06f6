"""Newer prices: fetched when the user asks for it, proven, compared, swapped in at once, rolled back as easily.

A bundle (`prices.bundle`) is believed when its digest is one that the user pinned, or when it is signed (Ed25519) by
a key that the user named. A checksum that lies beside it proves nothing. Programs never wait for any of this, and
those that only ask which prices are in force (`store`) import nothing that could fetch.
"""
