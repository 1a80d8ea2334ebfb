"""How the API speaks HTTP: parameters, bodies, validators, problems, and what every request gets."""
