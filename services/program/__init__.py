"""Program: the office itself. Campuses, staff, rotas and policies, published to every service."""
