"""The pack's own version, told in the hello document and compared by the installer."""

PACK_VERSION = "0.1.0"
