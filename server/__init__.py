"""The process: the ASGI app, the GraphQL endpoint, the command line, settings, access, links."""
