"""`tintbox report`: runs of any task compared on one page of HTML that needs nothing but a browser."""
