"""The app that the infrastructure tests deploy on paper."""

import tarry

app = tarry.App("shop")
