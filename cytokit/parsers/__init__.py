"""Every export family, one module each, and the registry that finds the right one."""
