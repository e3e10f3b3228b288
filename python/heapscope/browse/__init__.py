"""A heap snapshot, full screen: from types to objects, and along references both ways."""
