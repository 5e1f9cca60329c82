"""Tarry beside AWS's durable execution SDK for Python."""
