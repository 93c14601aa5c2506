"""The trusted half on GitHub: finds the pull request, reads its claims as data, judges them again and answers."""
