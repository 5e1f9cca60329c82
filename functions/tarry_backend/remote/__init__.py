"""Functions whose code runs elsewhere, over an official Inngest SDK. Pure, except for ``transport``."""
