"""TextFSM templates, named as ntc-templates names them; read through importlib.resources."""
