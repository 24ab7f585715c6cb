"""The data dictionary, the ETL mapping and the portal's configuration: read, and compared with each other."""
