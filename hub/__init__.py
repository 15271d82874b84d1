"""What runs on a hub: Debian's own packages, the fragment's schema, and these modules, copied as they stand.

No module names a software: what is rendered, checked and reloaded is said by the parts (`settings.Part`) that
the hub's own entries bring (docs/adr/0013).
"""
