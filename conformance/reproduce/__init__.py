"""What repeats a breach, made from the steps that showed it: lines for a shell, or a standalone script."""
