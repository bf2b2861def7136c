"""The commands that training adds to `seedx`, plug-ins of the seedx_sdk command line."""
