"""The Django application that the models of driver.py belong to."""
