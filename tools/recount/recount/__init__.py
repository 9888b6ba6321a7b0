"""Counts a topic anew, by the published contract alone, and compares with what Adtally says.

Written from README.md ("Sending events"), ad-event.schema.json, the vectors of packages/key-derivation and
docs/adr/0009 and 0032; not from Adtally's code.
"""
