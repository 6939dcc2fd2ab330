"""The whole site: staff, budgets, health, retention and reports of its checks."""
