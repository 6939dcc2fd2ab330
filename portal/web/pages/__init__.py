"""The handlers: each reads the request, calls one service and fills one template."""
