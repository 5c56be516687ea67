"""Input and output: addresses, certificates and HTTP, with every foreign error translated once."""
