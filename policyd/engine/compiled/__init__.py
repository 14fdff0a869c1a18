"""casbin's models, compiled: rules are looked up where pycasbin scans them."""
