"""The report's page: how it is built, by the house and by pip."""
