"""The commands of training and evaluation, plug-ins of the seedx_sdk command line."""
